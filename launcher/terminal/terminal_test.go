//go:build unix

package terminal

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runOn runs a shell command on a terminal.
func runOn(t *testing.T, slave *os.File, command string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	t.Cleanup(func() { _ = cmd.Wait() })
	return cmd
}

func pair(t *testing.T, size Size) (master, slave *os.File) {
	t.Helper()
	master, slave, err := Open(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := master.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func TestTerminal(t *testing.T) {
	master, slave := pair(t, Size{24, 93})
	runOn(t, slave, "test -t 0 && test -t 1 && test -t 2 && stty size </dev/tty")
	text, err := io.ReadAll(master)
	if err != nil && !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if got := strings.TrimSpace(string(text)); got != "24 93" {
		t.Errorf("printed %q", got)
	}
}

func TestResize(t *testing.T) {
	master, slave := pair(t, Size{24, 80})
	runOn(t, slave, "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done")
	var text strings.Builder
	buf := make([]byte, 100)
	for !strings.Contains(text.String(), "10 40") {
		n, err := master.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, text.String())
		}
		if text.Write(buf[:n]); strings.HasSuffix(text.String(), "ready\r\n") {
			if err := Resize(master, Size{10, 40}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDeadline(t *testing.T) {
	master, slave := pair(t, Size{})
	defer slave.Close()
	if err := master.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := master.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// Input is read key by key without echo, and the original state can be restored.
func TestStates(t *testing.T) {
	master, slave := pair(t, Size{24, 80})
	defer slave.Close()
	found, err := StateOf(slave)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name        string
		state       State
		typed, read string
		shown       string
	}{
		{"found", found, "ab\x7fc\r", "ac\n", "ab\b \bc\r\n"},
		{"keys", found.Keys(), "a", "a", ""},
		{"keys again", found.Keys().Keys(), "\x7f", "\x7f", ""},
		{"raw", found.Raw(), "\x03", "\x03", ""},
		{"raw, a new line", found.Raw(), "\r", "\r", ""},
		{"found again", found, "d\r", "d\n", "d\r\n"},
	} {
		if err := test.state.Apply(slave); err != nil {
			t.Fatal(err)
		}
		if now, err := StateOf(slave); err != nil || now != test.state {
			t.Errorf("%s: state %+v, %v", test.name, now, err)
		}
		if _, err := master.WriteString(test.typed); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, err := slave.Read(buf)
		if got := string(buf[:n]); err != nil || got != test.read {
			t.Errorf("%s: typing %q gives %q, %v, want %q", test.name, test.typed, got, err, test.read)
		}
		if _, err := slave.WriteString("."); err != nil { // marks the end of the echo
			t.Fatal(err)
		}
		n, err = io.ReadFull(master, buf[:len(test.shown)+1])
		if got := string(buf[:n]); err != nil || got != test.shown+"." {
			t.Errorf("%s: %q is echoed, %v, want %q", test.name, got, err, test.shown+".")
		}
	}
}

// A reopened terminal supports deadlines.
func TestReopen(t *testing.T) {
	_, slave := pair(t, Size{})
	defer slave.Close()
	again, err := Reopen(slave)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Name() != slave.Name() {
		t.Errorf("opened %s, want %s", again.Name(), slave.Name())
	}
	if err := again.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// Output that Ctrl-S has stopped continues.
func TestContinue(t *testing.T) {
	master, slave := pair(t, Size{24, 80})
	defer slave.Close()
	if _, err := master.WriteString("\x13"); err != nil {
		t.Fatal(err)
	}
	stopped := func() bool { // then it is not writable
		fds := []unix.PollFd{{Events: unix.POLLOUT}}
		err := control(slave, func(fd int) error {
			fds[0].Fd = int32(fd)
			_, err := unix.Poll(fds, 0)
			return err
		})
		return err == nil && fds[0].Revents&unix.POLLOUT == 0
	}
	for end := time.Now().Add(time.Minute); !stopped(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("Ctrl-S does not stop it")
		}
	}
	for range 2 { // the second time it is not stopped
		if err := ResumeOutput(slave); err != nil {
			t.Fatal(err)
		}
		if _, err := slave.WriteString("."); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		if n, err := master.Read(buf); err != nil || string(buf[:n]) != "." {
			t.Errorf("printed %q, %v", buf[:n], err)
		}
	}
}

// A process is not in the foreground of another session's terminal.
func TestForeground(t *testing.T) {
	_, slave := pair(t, Size{})
	defer slave.Close()
	if Foreground(slave) {
		t.Error("in the foreground of another session's terminal")
	}
}
