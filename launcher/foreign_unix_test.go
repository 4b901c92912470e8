//go:build unix

package launcher

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// runner PROGRAM runs a service as an ordinary user that starts a program as
// root, and prints the processes that it could not end.
func runner(args []string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	f, err := procfile.Parse("Portfile", []byte(fmt.Sprintf("[services.web]\ncommand = '%s=rooted %s & wait'\nstop_timeout = '100ms'", roleVariable, args[0])))
	if err != nil {
		panic(err)
	}
	f.Dir = "/"
	p, err := f.Resolve(procfile.Context{Environ: os.Environ()})
	if err != nil {
		panic(err)
	}
	alive := func(what string, all []Orphan) {
		for _, o := range all {
			fmt.Println(what, o.PID, errors.Is(o.Err, os.ErrPermission))
		}
	}
	_ = Run(context.Background(), p, Options{
		Output: output.New(os.Stdout, output.Style{}), Signals: signals, Instance: &Instance{Dedicated: true},
		Notify: func(e Event) {
			switch e := e.(type) {
			case Unkillable:
				alive("unkillable", e.Survivors)
			case OrphansKilled:
				alive("orphan", e.Orphans)
			}
		},
	})
}

// rooted becomes root through its set-user-ID bit, and stays.
func rooted([]string) {
	if err := syscall.Setuid(0); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("rooted", os.Getpid())
	for {
		time.Sleep(time.Hour)
	}
}

// A process that devports may not end is reported as alive, not as ended.
func TestProcessOfRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can have a program that becomes root")
	}
	dir := t.TempDir()
	for d := dir; d != "/" && d != "."; d = filepath.Dir(d) {
		if d == os.TempDir() {
			break
		}
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	ordinary, special := filepath.Join(dir, "ordinary"), filepath.Join(dir, "special")
	for path, mode := range map[string]os.FileMode{ordinary: 0o755, special: 0o755 | os.ModeSetuid} {
		if err := errors.Join(os.WriteFile(path, binary, 0o755), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(ordinary, special)
	cmd.Env = append(os.Environ(), roleVariable+"=runner")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	var reports []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		text := lines.Text()
		if _, rest, ok := strings.Cut(text, "rooted "); ok {
			if _, err := fmt.Sscan(rest, &pid); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			continue
		}
		reports = append(reports, text)
	}
	_ = cmd.Wait()
	if pid == 0 {
		t.Skipf("the program could not become root: %v", reports) // the file system may ignore set-user-ID bits
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("it has been ended: %v", err)
	}
	for _, want := range []string{fmt.Sprintf("unkillable %d true", pid), fmt.Sprintf("orphan %d true", pid)} {
		if !slices.Contains(reports, want) {
			t.Errorf("no %q in %q", want, reports)
		}
	}
}
