//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// contender is a program that runs a Procfile.
type contender struct {
	name string
	args []string
}

// The other runners are measured if they are on PATH.
var otherRunners = []contender{
	{"hivemind", nil},
	{"goreman", []string{"start"}},
	{"forego", []string{"start"}},
	{"foreman", []string{"start"}},
	{"honcho", []string{"start"}},
	{"overmind", []string{"start"}},
	{"process-compose", []string{"up", "-t=false", "-p", "0"}},
}

// BenchmarkRunners compares devports with other Procfile runners, as processes
// and in one run. For a number of services it reports, in milliseconds,
// how long all of them take to start and to stop, and while they are idle,
// the memory of the runner with its helpers in MB (PSS) and its CPU time per
// second.
//
//	PATH=$PATH:~/go/bin go test ./cmd/devports -run xxx -bench Runners -benchtime 5x
func BenchmarkRunners(b *testing.B) {
	for _, services := range []int{10, 50, 200} {
		for _, r := range append([]contender{{"devports", []string{"up"}}}, otherRunners...) {
			path := b.TempDir() + "/devports"
			if r.name != "devports" {
				var err error
				if path, err = exec.LookPath(r.name); err != nil {
					continue
				}
			} else if out, err := staticBuild(path, ".").CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			b.Run(fmt.Sprintf("%d/%s", services, r.name), func(b *testing.B) {
				var total life
				for b.Loop() {
					total = total.plus(live(b, path, r, services))
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(total.start.Microseconds())/1000/float64(b.N), "ms/start")
				b.ReportMetric(float64(total.stop.Microseconds())/1000/float64(b.N), "ms/stop")
				b.ReportMetric(float64(total.memory)/float64(b.N)/1e6, "MB")
				b.ReportMetric(float64(total.idle.Microseconds())/1000/float64(b.N), "ms-CPU/s")
			})
		}
	}
}

// life is the measurement of one run.
type life struct {
	start, stop, idle time.Duration
	memory            int
}

func (l life) plus(m life) life {
	return life{l.start + m.start, l.stop + m.stop, l.idle + m.idle, l.memory + m.memory}
}

// live runs services from start to stop.
func live(b *testing.B, path string, r contender, services int) life {
	b.Helper()
	dir := b.TempDir()
	var procfile, compose strings.Builder
	compose.WriteString("version: \"0.5\"\nprocesses:\n")
	for i := range services {
		fmt.Fprintf(&procfile, "s%d: echo is-ready; exec sleep 1000\n", i)
		fmt.Fprintf(&compose, "  s%d:\n    command: echo is-ready; exec sleep 1000\n", i)
	}
	for name, text := range map[string]string{"Procfile": procfile.String(), "process-compose.yaml": compose.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	cmd := exec.Command(path, r.args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEVPORTS_HOME="+dir)
	if r.name == "devports" { // ports are chosen in advance
		first := exec.Command(path, "port", "s0")
		first.Dir, first.Env = dir, cmd.Env
		if out, err := first.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	var l life
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for ready := 0; ready < services && lines.Scan(); {
		if bytes.Contains(lines.Bytes(), []byte("is-ready")) && !bytes.Contains(lines.Bytes(), []byte("echo")) {
			ready++
		}
	}
	l.start = time.Since(begin)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	time.Sleep(1500 * time.Millisecond) // wait until it is idle
	before := cpu(cmd.Process.Pid)
	time.Sleep(time.Second)
	l.idle, l.memory = cpu(cmd.Process.Pid)-before, proportional(cmd.Process.Pid)
	begin = time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		b.Fatal(err)
	}
	_, _ = cmd.Process.Wait()
	l.stop = time.Since(begin)
	return l
}

// family returns a process and its descendants, except the services.
func family(pid int) []int {
	pids := []int{pid}
	out, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	for _, field := range strings.Fields(string(out)) {
		child, _ := strconv.Atoi(field)
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child))
		if n := strings.TrimSpace(string(name)); n != "sleep" {
			pids = append(pids, family(child)...)
		}
	}
	return pids
}

// proportional is the memory of a runner in bytes: its private memory, and its
// share of shared memory (PSS, proc_pid_smaps_rollup(5)).
func proportional(pid int) (bytes int) {
	for _, p := range family(pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
				kb, _ := strconv.Atoi(fields[1])
				bytes += kb << 10
			}
		}
	}
	return bytes
}

// cpu is the CPU time of a runner, in the resolution of the kernel.
func cpu(pid int) time.Duration { return cpuOf(family(pid)) }

func cpuOf(pids []int) (d time.Duration) {
	for _, p := range pids {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p))
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			if fields := strings.Fields(string(text)); len(fields) > 0 {
				ns, _ := strconv.ParseInt(fields[0], 10, 64)
				d += time.Duration(ns)
			}
		}
	}
	return d
}
