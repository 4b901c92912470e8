package proctree

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// headless ends its main thread and keeps running.
func headless() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	_, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
}

// hopper forks and exits, a number of times, as fast as possible. A forked child of
// a Go program has no runtime and can do nothing more.
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

// stranger tries to end a process as another user.
func stranger(text string) {
	pid, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	if err := syscall.Setuid(65534); err != nil {
		panic(err)
	}
	_, err = Kill(context.Background(), func(t Tree) []Process {
		p, _ := t.process(pid)
		return []Process{p}
	}, 0, 0)
	fmt.Println(err)
}
