package proctree

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// roleEnv makes the test binary play a role instead.
const roleEnv = "PROCTREE_TEST_ROLE"

func init() {
	if os.Getenv(roleEnv) == "headless" {
		runtime.LockOSThread() // so that main has the first thread
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

// adopter is a child subreaper that runs a shell script until its input ends.
func adopter(script string) {
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, roleEnv) })
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	os.Stdout.Close()
	go func() {
		for range died {
			for pid := 1; pid > 0; {
				pid, _ = unix.Wait4(-1, nil, unix.WNOHANG, nil)
			}
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// headless ends its first thread, and lives on.
func headless() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	_, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
}

// hopper forks and exits, a number of times, as fast as can be. What is forked
// of a Go program has no runtime: it can do no more than this.
func hopper(generations string) {
	left, err := strconv.Atoi(generations)
	if err != nil {
		panic(err)
	}
	fmt.Println("hopping")
	through := []byte("through\n")
	for ; left > 0; left-- {
		if child, _, _ := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0); child != 0 {
			_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, 1, uintptr(unsafe.Pointer(&through[0])), uintptr(len(through)))
	_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
}

// stranger is another user, who tries to end a process.
func stranger(text string) {
	pid, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	if err := syscall.Setuid(65534); err != nil {
		panic(err)
	}
	_, err = End(context.Background(), func(t Tree) []Process {
		p, _ := t.process(pid)
		return []Process{p}
	}, 0, 0)
	fmt.Println(err)
}

// program is a running process. Its output is read line by line.
type program struct {
	*exec.Cmd
	out *bufio.Reader
}

func (p program) pid() int { return p.Process.Pid }

func (p program) pidText() string { return strconv.Itoa(p.pid()) }

// start runs a command until the test ends.
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
		_, _ = End(context.Background(), func(t Tree) []Process { return t.Below(p.pid()) }, 0, 0)
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

// sleeper is a process that does nothing.
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

// rest is what it writes until nobody is left to write.
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

// eventually fails the test unless ok returns true soon.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within 20 s: %s", what)
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

func idOf(tb testing.TB, pid int) ID {
	tb.Helper()
	id, err := Find(pid)
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

// mark is a variable that no other test has.
func mark(tb testing.TB) string {
	return fmt.Sprintf("PROCTREE_TEST_MARK=%s-%d-%d", tb.Name(), os.Getpid(), time.Now().UnixNano())
}
