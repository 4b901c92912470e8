package main

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
)

// withoutInotify COMMAND ARG… runs a command for which inotify_init(2) fails,
// as it does in some sandboxes.
func withoutInotify() {
	path, err := exec.LookPath(os.Args[1])
	if err != nil {
		fatal(err)
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_INOTIFY_INIT1, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread() // the filter applies to the thread, and to the program that replaces it
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fatal(err)
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		fatal(err)
	}
	fatal(syscall.Exec(path, os.Args[1:], os.Environ()))
}

func allPIDs(ts *testscript.TestScript) []int {
	pids, err := process.All()
	ts.Check(err)
	return pids
}
