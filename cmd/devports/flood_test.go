package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/launcher/terminal"
)

// BenchmarkFlood measures how fast the output of services reaches a terminal,
// with and without the live view. An operation is a run that prints 30 MB.
func BenchmarkFlood(b *testing.B) {
	dir := b.TempDir()
	devports := filepath.Join(dir, "devports")
	if out, err := staticBuild(devports, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.Setenv("DEVPORTS_HOME", filepath.Join(dir, "home"))
	b.Setenv("TERM", "xterm")
	b.Setenv("CI", "")
	const size = 30_000_000
	line := strings.Repeat("x", 59)
	for _, services := range []int{1, 4} {
		portfile := "[services]\n"
		for i := range services {
			portfile += fmt.Sprintf("s%d = { command = 'yes %s | head -c %d', port = false }\n", i, line, size/services)
		}
		path := filepath.Join(dir, fmt.Sprint("Portfile", services))
		if err := os.WriteFile(path, []byte(portfile), 0o644); err != nil {
			b.Fatal(err)
		}
		for _, option := range []string{"--plain", "--color=auto"} { // the latter with the view
			b.Run(fmt.Sprintf("services=%d/%s", services, option), func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					readAll(b, exec.Command(devports, "up", "--no-watch", option, "-f", path))
				}
			})
		}
	}
}

// BenchmarkFloodPipe measures how fast what four services print comes out of a
// pipe, beside the plainest program that prefixes lines in blocks of 64 KiB
// (testdata/prefixer). An operation is a run that prints 20 million lines. MB
// is the peak memory (VmHWM of proc_pid_status(5), with the executable's
// pages), and ns-CPU/line is the processor time of the program and its
// services.
func BenchmarkFloodPipe(b *testing.B) {
	const services, lines = 4, 5_000_000
	dir := b.TempDir()
	devports, prefixer := filepath.Join(dir, "devports"), filepath.Join(dir, "prefixer")
	for path, source := range map[string]string{devports: ".", prefixer: "./testdata/prefixer"} {
		build := staticBuild(path, source)
		build.Args = slices.Insert(build.Args, 2, "-ldflags=-s -w")
		if out, err := build.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	b.Setenv("DEVPORTS_HOME", filepath.Join(dir, "home"))
	for _, atOnce := range []int{1000, 1} { // lines that a service writes at once
		total := lines * min(atOnce, 4) / 4
		portfile := "[services]\n"
		for i := range services {
			portfile += fmt.Sprintf("s%d = { command = 'exec %s print %d %d', port = false }\n", i, prefixer, total, atOnce)
		}
		if err := os.WriteFile(filepath.Join(dir, "Portfile"), []byte(portfile), 0o644); err != nil {
			b.Fatal(err)
		}
		for _, args := range [][]string{
			{prefixer, fmt.Sprint(services), prefixer, "print", fmt.Sprint(total), fmt.Sprint(atOnce)},
			{devports, "up", "--no-watch", "-f", filepath.Join(dir, "Portfile")},
		} {
			b.Run(fmt.Sprintf("lines=%d/%s", atOnce, filepath.Base(args[0])), func(b *testing.B) {
				peak, cpu := 0, time.Duration(0)
				for b.Loop() {
					cmd := exec.Command(args[0], args[1:]...)
					peak = max(peak, drain(b, cmd))
					cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				}
				printed := float64(services*total) * float64(b.N)
				b.ReportMetric(printed/b.Elapsed().Seconds()/1e6, "Mlines/s")
				b.ReportMetric(float64(cpu.Nanoseconds())/printed, "ns-CPU/line")
				b.ReportMetric(float64(peak)/1e6, "MB")
			})
		}
	}
}

// BenchmarkFloodRecorded measures what recording adds to the processor time of a
// run whose four services print a million lines of 60 bytes a second together. An
// operation is a pair of runs of two seconds, without recording and with it. The
// percentages compare the least times, which other programs disturb the least,
// and the medians.
func BenchmarkFloodRecorded(b *testing.B) {
	const services, lines, perMillisecond = 4, 500_000, 250
	dir := b.TempDir()
	devports, prefixer := filepath.Join(dir, "devports"), filepath.Join(dir, "prefixer")
	for path, source := range map[string]string{devports: ".", prefixer: "./testdata/prefixer"} {
		if out, err := staticBuild(path, source).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	b.Setenv("DEVPORTS_HOME", filepath.Join(dir, "home"))
	portfile := "[services]\n"
	for i := range services {
		portfile += fmt.Sprintf("s%d = { command = 'exec %s pace %d %d', port = false }\n", i, prefixer, lines, perMillisecond)
	}
	path := filepath.Join(dir, "Portfile")
	if err := os.WriteFile(path, []byte(portfile), 0o644); err != nil {
		b.Fatal(err)
	}
	times := map[string][]float64{}
	for b.Loop() {
		for _, logs := range []string{"off", "2GB"} {
			cmd := exec.Command(devports, "up", "--no-watch", "-f", path)
			cmd.Env = append(os.Environ(), "DEVPORTS_LOGS="+logs)
			drain(b, cmd)
			cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			times[logs] = append(times[logs], float64(cpu.Nanoseconds())/(services*lines))
		}
	}
	for _, t := range times {
		slices.Sort(t)
	}
	off, on := times["off"], times["2GB"]
	b.ReportMetric(off[0], "ns-CPU/line")
	b.ReportMetric(on[0], "ns-CPU/line-recorded")
	b.ReportMetric(100*(on[0]/off[0]-1), "%min")
	b.ReportMetric(100*(on[len(on)/2]/off[len(off)/2]-1), "%median")
}

// drain runs a command on a pipe, reads from that to the end, and returns the
// command's peak memory in bytes.
func drain(b *testing.B, cmd *exec.Cmd) (peak int) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	for reads := 0; err == nil; reads++ {
		if _, err = out.Read(buf); reads%100 == 0 {
			peak = max(peak, peakMemory(cmd.Process.Pid)) // it is gone once the process has ended
		}
	}
	if err := cmd.Wait(); err != nil {
		b.Error(err)
	}
	return peak
}

// peakMemory returns the most memory that a process has had, in bytes; 0 where
// the system does not know.
func peakMemory(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kb := 0
	_, _ = fmt.Sscan(after, &kb)
	return kb << 10
}

// readAll runs a command on a terminal, and reads from that to the end.
func readAll(b *testing.B, cmd *exec.Cmd) {
	master, slave, err := terminal.Open(terminal.Size{Rows: 40, Columns: 120})
	if err != nil {
		b.Fatal(err)
	}
	defer master.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = controllingTerminal()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	slave.Close()
	_, _ = io.Copy(io.Discard, master) // ends with EIO
	if err := cmd.Wait(); err != nil {
		b.Error(err)
	}
}
