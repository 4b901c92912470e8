package process

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary becomes another user, who sees no processes of this one.
const hiddenEnv = "PROCESS_TEST_HIDDEN"

func TestMain(m *testing.M) {
	if os.Getenv(hiddenEnv) != "" {
		fmt.Println(lookAtHidden())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func lookAtHidden() error {
	parent := ID{PID: os.Getppid(), Start: 1}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("skip: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, "hidepid=2"); err != nil {
		return fmt.Errorf("skip: %w", err)
	}
	// The group root sees all processes.
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534)); err != nil {
		return fmt.Errorf("skip: %w", err)
	}
	if _, err := new(Reader).Stat(parent.PID); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("skip: it is visible: %v", err)
	}
	if _, err := Find(parent.PID); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("Find: %w", err)
	}
	if !parent.Alive() || !parent.Exists() {
		return fmt.Errorf("alive %t, exists %t", parent.Alive(), parent.Exists())
	}
	if _, err := Find(math.MaxInt32); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("Find of none: %w", err)
	}
	return nil
}

// With hidepid, /proc does not show all processes.
func TestHidden(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount and to become another user")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), hiddenEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	switch text := strings.TrimSpace(string(out)); {
	case err != nil || strings.HasPrefix(text, "skip: "):
		t.Skip(err, text)
	case text != "<nil>":
		t.Error(text)
	}
}
