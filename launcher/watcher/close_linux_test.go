package watcher

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Instances that the kernel closes in the background do not count for long: a
// user may have 128, by default. The test runs in a user namespace with a limit of
// its own, so that other programs do not reach theirs meanwhile.
func TestClosedInstances(t *testing.T) {
	const within = "DEVPORTS_TEST_INSTANCES"
	if os.Getenv(within) == "" {
		t.Parallel()
		cmd := exec.Command(os.Args[0], "-test.run", "^TestClosedInstances$")
		cmd.Env = append(os.Environ(), within+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		if err := cmd.Start(); err != nil {
			t.Skip("no user namespace:", err)
		}
		must(t, cmd.Wait())
		return
	}
	must(t, os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("4"), 0))
	dir := t.TempDir()
	for i := range 20 {
		q, err := newQueue(ofProcess)
		for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); {
			q, err = newQueue(ofProcess) // the kernel closes the others when it has time
		}
		if err != nil {
			t.Fatalf("instance %d: %v", i, err)
		}
		must(t, q.Add(dir))
		must(t, q.Close())
	}
	if left := inotifyFiles(); len(left) > 0 {
		t.Errorf("descriptors are left: %v", left)
	}
}

// BenchmarkClose takes milliseconds where the kernel does not close instances in
// the background.
func BenchmarkClose(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		b.StopTimer()
		q, err := newQueue(ofProcess)
		for err != nil { // the kernel has not closed those of earlier rounds yet
			q, err = newQueue(ofProcess)
		}
		must(b, q.Add(dir))
		b.StartTimer()
		must(b, q.Close())
	}
}
