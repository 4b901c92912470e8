package system

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/procfile"
)

// TestMain makes this binary the programs that the tests start.
func TestMain(m *testing.M) {
	switch os.Getenv("TEST_PROGRAM") {
	case "parent": // starts "child", and prints the pid of both
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_PROGRAM=child")
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		fmt.Println(os.Getpid(), cmd.Process.Pid)
		time.Sleep(time.Minute)
	case "child":
		time.Sleep(time.Minute)
	case "run": // starts "parent" as a run would, or as devports run would
		p, exit := startParent()
		fmt.Println(p, exit)
		time.Sleep(time.Minute)
	case "tied":
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_PROGRAM=parent")
		cmd.Stdout = os.Stdout
		if _, err := StartTied(cmd); err != nil {
			panic(err)
		}
		time.Sleep(time.Minute)
	case "break": // ends in its own way at Ctrl-Break
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt)
		fmt.Println(os.Getpid(), os.Getppid())
		<-signals
		os.Exit(7)
	default:
		os.Exit(m.Run())
	}
}

// startProgram starts a program in the processSet of a run. Its output goes to
// that of this process, or is returned as lines.
func startProgram(program string, output *os.File) (*group, <-chan Exit, error) {
	set := newProcessSet("", false, nil)
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	return set.start("web", os.Args[0], os.Args[:1], &os.ProcAttr{
		Env: append(os.Environ(), "TEST_PROGRAM="+program), Files: []*os.File{null, output, output},
		Sys: processAttributes(procfile.Process{Argv: os.Args[:1]}, false),
	})
}

func startParent() (pid int, err error) {
	g, _, err := startProgram("parent", os.Stdout)
	if err != nil {
		return 0, err
	}
	return g.pid, nil
}

// pids reads the first line with two pids.
func pids(t *testing.T, r io.Reader) (parent, child int) {
	t.Helper()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		first, second, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		var err1, err2 error
		parent, err1 = strconv.Atoi(first)
		child, err2 = strconv.Atoi(second)
		if err1 == nil && err2 == nil {
			return parent, child
		}
	}
	t.Fatalf("the program has printed no pids: %v", lines.Err())
	return 0, 0
}

func awaitGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if _, err := process.ReadStat(pid); err != nil {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("pid %d is still running", pid)
			}
		}
	}
}

func TestJobEndsGrandchild(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	g, exit, err := startProgram("parent", write)
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	parent, child := pids(t, read)
	if parent != g.pid || !g.lives() {
		t.Fatalf("the job of pid %d lives: %v; pid %d is its own", parent, g.lives(), g.pid)
	}
	if _, err := process.ReadStat(child); err != nil {
		t.Fatalf("the grandchild: %v", err)
	}
	g.Kill()
	if e := <-exit; e.Status != 1 || e.Err != nil {
		t.Errorf("the exit is %v", e)
	}
	awaitGone(t, parent, child)
	for end := time.Now().Add(10 * time.Second); g.lives(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the job does not become empty")
		}
	}
}

// Windows closes the handle of a killed devports to the job, which ends it.
func TestKilledRunLeavesNothing(t *testing.T) {
	for _, program := range []string{"run", "tied"} {
		t.Run(program, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "TEST_PROGRAM="+program)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			parent, child := 0, 0
			for parent == 0 || parent == cmd.Process.Pid {
				parent, child = pids(t, out)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			awaitGone(t, parent, child)
			_ = cmd.Wait()
		})
	}
}

func TestStartTiedReleases(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_PROGRAM=parent")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	release, err := StartTied(cmd)
	if err != nil {
		t.Fatal(err)
	}
	_, child := pids(t, out)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	release()
	left, err := process.ReadStat(child)
	if err != nil {
		t.Fatalf("what the command has started: %v", err)
	}
	if err := left.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

func TestCtrlBreakReachesService(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	g, exit, err := startProgram("break", write)
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer g.discard()
	pids(t, read)
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.pid)); err != nil {
		t.Skip("the system cannot send Ctrl-Break to a group: ", err) // Wine
	}
	g.Terminate("TERM", time.Second)
	select {
	case e := <-exit:
		if e.Status != 7 {
			t.Errorf("the exit is %v, not that of its handler", e)
		}
	case <-time.After(10 * time.Second):
		t.Error("Ctrl-Break has not reached it")
	}
}

// tempDir is t.TempDir, which cannot delete under Wine.
func tempDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var paths []string
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			paths = append(paths, path)
			return err
		})
		for _, path := range slices.Backward(paths) {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		}
	})
	return dir
}

// LookPath uses the PATH and PATHEXT of the service's environment, whatever
// their case, and does not run files of the directory by their bare name.
func TestLookPath(t *testing.T) {
	dir := tempDir(t)
	for _, name := range []string{`tools\deep\x.cmd`, `tools\y.exe`, `tools\y`, `z.exe`, `bin\api.exe`, `odd\p.py`} {
		path := dir + `\` + name
		if err := os.MkdirAll(path[:strings.LastIndex(path, `\`)], 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{`Path=C:\nowhere;` + dir + `\tools\deep;;tools`}
	for _, test := range []struct {
		file string
		env  []string
		want string // in dir; "" for none
	}{
		{"x", env, `tools\deep\x.cmd`},
		{"y", env, `tools\y.exe`},
		{"Y.EXE", env, `tools\Y.EXE`},
		{"z", env, ""},
		{`.\z`, env, "z.exe"},
		{`./z.exe`, env, "z.exe"},
		{"bin/api", nil, `bin\api.exe`},
		{`bin\none`, env, ""},
		{dir + `\bin\api`, nil, `bin\api.exe`},
		{"p", []string{"PATH=odd", "PATHEXT=.py"}, `odd\p.py`},
		{"p", []string{"PATH=odd"}, ""},
	} {
		got, err := LookPath(test.file, dir, test.env)
		want := ""
		if test.want != "" {
			want = dir + `\` + test.want
		}
		if !strings.EqualFold(got, want) || (err == nil) != (want != "") || err != nil && exitOfStart(err).Status != 127 {
			t.Errorf("%s: %s (%v), want %s", test.file, got, err, want)
		}
	}
}
