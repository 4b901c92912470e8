package system

import (
	"runtime"
	"sync"
)

// spareThreads is how many threads Run can use beyond those that the Go runtime
// has at the start: a few that make processes, one that writes to a reader that
// stalls, one that waits for a signal.
const spareThreads = 8

// reserveThreads has the Go runtime make its threads now. Where the number of
// processes is limited (RLIMIT_NPROC), services may use the rest of it up; the
// runtime ends the program if it then wants another thread and gets none. It
// keeps those that it has.
func reserveThreads() {
	var all, locked sync.WaitGroup
	locked.Add(spareThreads)
	for range spareThreads {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			locked.Done()
			locked.Wait()
		})
	}
	all.Wait()
}
