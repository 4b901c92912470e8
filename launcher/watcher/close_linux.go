package watcher

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxSent is how many descriptors Linux sends in one message (SCM_MAX_FD).
const maxSent = 253

// closeInBackground makes the kernel close the inotify instances of this
// process in the background, if they are closed before finish is called:
// closing the last reference to one waits 14 ms for an RCU grace period, and so
// does the exit of a process that has one open (Linux 6.18). So this function
// sends the descriptors, and that of the receiving socket, over a socket pair
// in a message that is never received, which has the last references. The
// kernel's garbage collector of Unix sockets frees that cycle: since Linux 6.9
// in a kernel thread, before that in the call that closes the pair, which then
// waits. If any of this fails, closing is slow.
func closeInBackground() (finish func()) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return func() {}
	}
	sent := append([]int{pair[1]}, inotifyFiles()...)
	_ = unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(sent[:min(len(sent), maxSent)]...), nil, unix.MSG_DONTWAIT)
	return func() {
		_ = unix.Close(pair[1])
		_ = unix.Close(pair[0])
	}
}

// inotifyFiles returns the descriptors of inotify instances of this process.
func inotifyFiles() (files []int) {
	const directory = "/proc/self/fd"
	dir, err := os.Open(directory)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if target, err := os.Readlink(directory + "/" + name); err != nil || target != "anon_inode:inotify" {
			continue
		}
		if file, err := strconv.Atoi(name); err == nil {
			files = append(files, file)
		}
	}
	return files
}
