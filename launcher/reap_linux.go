package launcher

import "golang.org/x/sys/unix"

// adoptOrphans has processes that lose their parent become children of this
// one, instead of init's (prctl(2), PR_SET_CHILD_SUBREAPER). Where init does
// not reap, as in many containers, a dead grandchild would otherwise keep its
// process group alive for ever.
func adoptOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// reapGroup reaps the dead of a process group whose leader has been waited for.
func reapGroup(pgid int) {
	for {
		pid, err := unix.Wait4(-pgid, nil, unix.WNOHANG, nil)
		if pid <= 0 && err != unix.EINTR {
			return
		}
	}
}
