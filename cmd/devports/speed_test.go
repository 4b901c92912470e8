package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// BenchmarkCommand times whole processes: an empty Go program for comparison,
// and devports with its simplest and its most frequent commands. With 5,000
// services, it also reports the most memory that a command has had.
func BenchmarkCommand(b *testing.B) {
	dir := b.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write("nothing.go", "package main\n\nfunc main() {}\n")
	write("Portfile", "[services]\nweb = 'x'\napi = 'x'\ndb = 'x'\n")
	build := func(name, source string) string {
		path := filepath.Join(dir, name)
		if out, err := staticBuild(path, source).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		if err := install(path); err != nil {
			b.Fatal(err)
		}
		return path
	}
	nothing, devports := build("nothing", filepath.Join(dir, "nothing.go")), build("devports", ".")
	b.Setenv("DEVPORTS_HOME", filepath.Join(dir, "home"))
	run := func(b *testing.B, path string, args ...string) (peak int) {
		cmd := exec.Command(path, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Errorf("%v\n%s", err, out)
		}
		return peakOf(cmd.ProcessState)
	}
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			run(b, nothing)
		}
	})
	b.Run("version", func(b *testing.B) {
		for b.Loop() {
			run(b, devports, "version")
		}
	})
	for _, leases := range []int{10, 1000, 20000} {
		b.Run(fmt.Sprint("leases=", leases), func(b *testing.B) {
			b.Setenv("DEVPORTS_HOME", b.TempDir())
			var old strings.Builder
			for i := range leases {
				fmt.Fprintf(&old, "old%d = %d\n", i, 40000+i)
			}
			write("conf", old.String())
			run(b, devports, "import", "conf")
			run(b, devports, "port", "web")
			b.Run("known", func(b *testing.B) {
				for b.Loop() {
					run(b, devports, "port", "web")
				}
			})
			b.Run("userwide", func(b *testing.B) {
				for b.Loop() {
					run(b, devports, "port", "-g", "old7")
				}
			})
			b.Run("new", func(b *testing.B) {
				for n := 0; b.Loop(); n++ {
					run(b, devports, "port", "-g", fmt.Sprint("new", n))
				}
			})
		})
	}
	b.Run("5000 services", func(b *testing.B) {
		b.Setenv("DEVPORTS_HOME", b.TempDir())
		var many strings.Builder
		many.WriteString("[services]\n")
		for i := range 5000 {
			fmt.Fprintf(&many, "s%d = 'x'\n", i)
		}
		write("Manyfile.toml", many.String())
		b.Run("new", func(b *testing.B) {
			for b.Loop() {
				b.Setenv("DEVPORTS_HOME", b.TempDir())
				run(b, devports, "port", "-f", "Manyfile.toml", "s7")
			}
		})
		run(b, devports, "port", "-f", "Manyfile.toml", "s7")
		for _, command := range [][]string{{"port", "s7"}, {"env", "s7"}, {"check"}} {
			b.Run(command[0], func(b *testing.B) {
				peak := 0
				for b.Loop() {
					peak = max(peak, run(b, devports, append(command, "-f", "Manyfile.toml")...))
				}
				b.ReportMetric(float64(peak)/1e6, "MB-peak")
			})
		}
	})
	b.Run("steered", func(b *testing.B) {
		b.Setenv("DEVPORTS_HOME", b.TempDir())
		write("Portfile", "[services]\nweb = { command = 'echo up; exec sleep 1000', port = false, ready = 'log:up' }\napi = { command = 'exec sleep 1000', port = false }\n")
		run(b, devports, "up", "-d")
		defer run(b, devports, "down")
		b.Run("ps", func(b *testing.B) {
			for b.Loop() {
				run(b, devports, "ps")
			}
		})
		b.Run("restart", func(b *testing.B) {
			for b.Loop() {
				run(b, devports, "restart", "web")
			}
		})
	})
	b.Run("64 new names at once", func(b *testing.B) {
		b.Setenv("DEVPORTS_HOME", b.TempDir())
		for n := 0; b.Loop(); n++ {
			var all sync.WaitGroup
			for i := range 64 {
				all.Go(func() { run(b, devports, "port", "-g", fmt.Sprint(n, "-", i)) })
			}
			all.Wait()
		}
	})
}

// install writes an executable again, as installing a release does. Linux starts
// one that Go's linker has written through a mapping a fifth more slowly: its pages
// are cached one by one.
func install(path string) error {
	program, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, program, 0o755)
}

// staticBuild is the build command for releases.
func staticBuild(path, source string) *exec.Cmd {
	cmd := exec.Command("go", "build", "-tags", "urfave_cli_no_docs,nethttpomithttp2", "-o", path, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return cmd
}
