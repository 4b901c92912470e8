package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/launcher/proctree"
)

// plainLoop is the smallest program that starts processes as fast as a runner
// could: so many times the command given, four at a time, without a shell.
const plainLoop = `package main

import (
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

func main() {
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	programs := make(chan string)
	var mu sync.Mutex
	var running []*exec.Cmd
	var starters sync.WaitGroup
	for range 4 {
		starters.Go(func() {
			for program := range programs {
				cmd := exec.Command(program, "1000")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				if err := cmd.Start(); err != nil {
					panic(err)
				}
				mu.Lock()
				running = append(running, cmd)
				mu.Unlock()
			}
		})
	}
	for _, program := range os.Args[1:] {
		programs <- program
	}
	close(programs)
	starters.Wait()
	<-interrupt
	for _, cmd := range running {
		cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, cmd := range running {
		cmd.Wait()
	}
}
`

// BenchmarkStart compares how fast devports starts and stops services, whose
// ports it knows, with a plain loop, with a loop that gives each process the
// variables that devports gives it, and with hivemind where it is on PATH. All of
// them run in turn, so that each suffers from the same load. It reports
// minima in milliseconds, which depend on the load least: from the launch to the
// first and to the last service, the CPU time until then, services included, and
// from SIGINT to the exit. peak-MB is the most memory that the runner has had: a
// runner that collects less garbage starts faster.
//
//	PATH=$PATH:~/go/bin go test ./cmd/devports -run xxx -bench Start -benchtime 15x
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	source := filepath.Join(dir, "loop.go")
	if err := os.WriteFile(source, []byte(plainLoop), 0o644); err != nil {
		b.Fatal(err)
	}
	programs := map[string]string{"loop": filepath.Join(dir, "loop"), "devports": filepath.Join(dir, "devports")}
	for name, from := range map[string]string{"loop": source, "devports": "."} {
		if out, err := staticBuild(programs[name], from).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		if err := install(programs[name]); err != nil {
			b.Fatal(err)
		}
	}
	if path, err := exec.LookPath("hivemind"); err == nil {
		programs["hivemind"] = path
	}
	for _, services := range []int{10, 50, 200, 500} {
		b.Run(strconv.Itoa(services), func(b *testing.B) {
			s := newStartable(b, services)
			first := exec.Command(programs["devports"], "port", "s0")
			first.Dir, first.Env = s.dir, s.environ
			if out, err := first.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			variables := s.variables(b, programs["devports"])
			lives := map[string][]startLife{}
			for b.Loop() {
				for name, path := range programs { // in any order
					switch name {
					case "loop":
						lives[name] = append(lives[name], s.live(b, path, s.services, s.environ))
						const same = "loop-with-variables"
						lives[same] = append(lives[same], s.live(b, path, s.services, variables))
					case "devports":
						lives[name] = append(lives[name], s.live(b, path, []string{"up"}, s.environ))
					default:
						lives[name] = append(lives[name], s.live(b, path, nil, s.environ))
					}
				}
			}
			b.ReportMetric(0, "ns/op")
			for name, of := range lives {
				for what, get := range map[string]func(startLife) time.Duration{
					"first": func(l startLife) time.Duration { return l.first },
					"last":  func(l startLife) time.Duration { return l.last },
					"CPU":   func(l startLife) time.Duration { return l.cpu },
					"stop":  func(l startLife) time.Duration { return l.stop },
				} {
					best := slices.MinFunc(of, func(l, m startLife) int { return cmp.Compare(get(l), get(m)) })
					b.ReportMetric(float64(get(best).Microseconds())/1000, name+"-"+what+"-ms")
				}
				peak := slices.MinFunc(of, func(l, m startLife) int { return cmp.Compare(l.peak, m.peak) }).peak
				b.ReportMetric(float64(peak)/1e6, name+"-peak-MB")
			}
		})
	}
}

// startLife is what one run of a runner took.
type startLife struct {
	first, last, cpu, stop time.Duration
	peak                   int // bytes
}

// startable is a Procfile of services, each of which runs a file of its own.
type startable struct {
	dir      string
	services []string // their files
	environ  []string
}

func newStartable(b *testing.B, services int) startable {
	b.Helper()
	s := startable{dir: b.TempDir()}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		b.Skip(err)
	}
	program, err := os.ReadFile(sleep)
	if err != nil {
		b.Fatal(err)
	}
	bin := filepath.Join(b.TempDir(), "service")
	if err := os.WriteFile(bin, program, 0o755); err != nil {
		b.Fatal(err)
	}
	var procfile strings.Builder
	for i := range services {
		file := fmt.Sprintf("%s%d", bin, i)
		if err := os.Link(bin, file); err != nil {
			b.Fatal(err)
		}
		s.services = append(s.services, file)
		fmt.Fprintf(&procfile, "s%d: %s 1000\n", i, file)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "Procfile"), []byte(procfile.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	s.environ = append(os.Environ(), "DEVPORTS_HOME="+filepath.Join(s.dir, "home"), "XDG_RUNTIME_DIR="+b.TempDir())
	return s
}

// variables returns the environment that devports gives to a service.
func (s startable) variables(b *testing.B, devports string) []string {
	b.Helper()
	cmd := exec.Command(devports, "run", "--", "env", "-0")
	cmd.Dir, cmd.Env = s.dir, s.environ
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// live runs the services from their start to their stop.
func (s startable) live(b *testing.B, path string, args, environ []string) (l startLife) {
	b.Helper()
	notify, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(notify)
	// A program that is executed is opened.
	if _, err := unix.InotifyAddWatch(notify, filepath.Dir(s.services[0]), unix.IN_OPEN); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = s.dir, environ
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	started := map[string]bool{}
	for buf := make([]byte, 64<<10); len(started) < len(s.services); {
		n, err := unix.Read(notify, buf)
		if err != nil {
			b.Fatal(err)
		}
		for event := buf[:n]; len(event) > 0; {
			size := unix.SizeofInotifyEvent + int(event[12]) + int(event[13])<<8 // the length of the name, little-endian
			started[string(bytes.TrimRight(event[unix.SizeofInotifyEvent:size], "\x00"))] = true
			event = event[size:]
		}
		if l.first == 0 {
			l.first = time.Since(begin)
		}
	}
	l.last = time.Since(begin)
	time.Sleep(50 * time.Millisecond) // for what follows the last start
	pids := []int{cmd.Process.Pid}
	if tree, err := proctree.Snapshot(); err == nil {
		for _, p := range tree.Below(cmd.Process.Pid) {
			pids = append(pids, p.PID)
		}
	}
	l.cpu, l.peak = cpuOf(pids), peakMemory(cmd.Process.Pid)
	begin = time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		b.Fatal(err)
	}
	_ = cmd.Wait()
	l.stop = time.Since(begin)
	return l
}
