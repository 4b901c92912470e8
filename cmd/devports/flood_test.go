package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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

// readAll runs a command on a terminal, and reads its output to the end.
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
