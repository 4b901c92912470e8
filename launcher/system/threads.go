package system

import (
	"runtime"
	"sync"
)

// spareThreads is how many threads Run can use besides the initial ones of the
// Go runtime: a few that spawn processes, one that writes to a stalled reader,
// one that waits for a signal.
const spareThreads = 8

// reserveThreads makes the Go runtime create threads now, which it then keeps.
// Where the number of processes is limited (RLIMIT_NPROC), services may use up
// the rest; the runtime crashes when it cannot create a thread.
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
