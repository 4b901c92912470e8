package proctree

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/allocator/process"
)

// roleEnv makes the test binary play a role instead of running tests.
const roleEnv = "PROCTREE_TEST_ROLE"

func init() {
	if os.Getenv(roleEnv) == "headless" {
		runtime.LockOSThread() // so that main runs on the main thread
	}
}

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "adopter":
		adopter(os.Args[1])
	case "headless":
		headless()
	case "hopper":
		hopper(os.Args[1])
	case "stranger":
		stranger(os.Args[1])
	default:
		os.Exit(m.Run())
	}
}

// program is a running process whose output is read line by line.
type program struct {
	*exec.Cmd
	out *bufio.Reader
}

func (p program) pid() int { return p.Process.Pid }

func (p program) pidText() string { return strconv.Itoa(p.pid()) }

// start starts a command that runs until the end of the test.
func start(tb testing.TB, cmd *exec.Cmd) program {
	tb.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p := program{cmd, bufio.NewReader(stdout)}
	tb.Cleanup(func() {
		_, _ = Kill(context.Background(), func(t Tree) []Process { return t.Below(p.pid()) }, 0, 0)
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

// adopt runs a script under an adopter.
func adopt(tb testing.TB, script string, env ...string) program {
	tb.Helper()
	cmd := exec.Command(os.Args[0], script)
	cmd.Env = append(append(os.Environ(), roleEnv+"=adopter"), env...)
	return start(tb, cmd)
}

// role runs the test binary in a role.
func role(tb testing.TB, name string, args ...string) program {
	tb.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+name)
	return start(tb, cmd)
}

// sleeper starts a process that does nothing.
func sleeper(tb testing.TB) program {
	tb.Helper()
	return start(tb, exec.Command("cat"))
}

func (p program) line(tb testing.TB) string {
	tb.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		tb.Fatalf("no line: %q, %v", line, err)
	}
	return strings.TrimSpace(line)
}

// rest returns the output until no process is left to write.
func (p program) rest(tb testing.TB) string {
	tb.Helper()
	text, err := io.ReadAll(p.out)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// names reads n lines of the form "name PID".
func (p program) names(tb testing.TB, n int) map[string]int {
	tb.Helper()
	pids := map[string]int{}
	for range n {
		line := p.line(tb)
		name, text, _ := strings.Cut(line, " ")
		pid, err := strconv.Atoi(text)
		if err != nil {
			tb.Fatalf("line %q", line)
		}
		pids[name] = pid
	}
	return pids
}

// eventually fails the test unless ok returns true within 20 s.
func eventually(tb testing.TB, condition string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within 20 s: %s", condition)
		}
	}
}

func snap(tb testing.TB) Tree {
	tb.Helper()
	t, err := Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func idOf(tb testing.TB, pid int) process.ID {
	tb.Helper()
	id, err := process.Find(pid)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// pids returns the PIDs, sorted.
func pids(ps []Process) []int {
	var all []int
	for _, p := range ps {
		all = append(all, p.PID)
	}
	slices.Sort(all)
	return all
}

// mark returns a variable that no other test uses.
func mark(tb testing.TB) string {
	return fmt.Sprintf("PROCTREE_TEST_MARK=%s-%d-%d", tb.Name(), os.Getpid(), time.Now().UnixNano())
}
