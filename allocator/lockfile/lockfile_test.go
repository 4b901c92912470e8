package lockfile

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const enough = 30 * time.Second // longer than any of these tests waits

// The tests use real processes: this binary, started again, takes the lock at a
// path and holds it until its input ends.
func TestMain(m *testing.M) {
	if path := os.Getenv("LOCKFILE_TEST_HOLD"); path != "" {
		if _, _, err := TryAcquire(path, map[string]string{"terminal": "pts/7"}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // without releasing
	}
	os.Exit(m.Run())
}

// hold starts a process that holds the lock when hold returns.
func hold(t *testing.T, path string) (*exec.Cmd, io.Closer) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "some", "arguments")
	cmd.Env = append(os.Environ(), "LOCKFILE_TEST_HOLD="+path, "GORACE=atexit_sleep_ms=0") // otherwise it takes a second to exit
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // most have ended
		_ = cmd.Wait()
	})
	if said := bufio.NewScanner(stdout); !said.Scan() || said.Text() != "held" {
		t.Fatalf("the holder printed %q", said.Text())
	}
	return cmd, stdin
}

func acquire(t *testing.T, path string) func() error {
	t.Helper()
	release, err := Acquire(t.Context(), path, enough)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = release() }) // most have been called
	return release
}

func TestAcquire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "lock")
	release := acquire(t, path)
	_, err := Acquire(t.Context(), path, time.Millisecond)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != os.Getpid() || held.Path != path || held.Command == "" || time.Since(held.Since) > enough {
		t.Errorf("error: %v", err)
	}
	if err := errors.Join(release(), release()); err != nil {
		t.Error(err)
	}
	if err := acquire(t, path)(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the lock file was removed: %v", err)
	}
}

// Several goroutines that create a lock file at once leave no other file, in a
// private directory and in a group-writable one.
func TestNothingBeside(t *testing.T) {
	for _, mode := range []fs.FileMode{0o700, 0o770} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "lock")
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				release, err := Acquire(t.Context(), path, enough)
				if err == nil {
					err = release()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 || files[0].Name() != "lock" {
			t.Errorf("in a directory of mode %o: %v, %v", mode, files, err)
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o060 != mode&0o060 {
			t.Errorf("in a directory of mode %o: %v, %v", mode, info.Mode(), err)
		}
	}
}

// TestDeadHolder has holders that never release.
func TestDeadHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd, stdin := hold(t, path)
	_, err := Acquire(t.Context(), path, time.Millisecond)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != cmd.Process.Pid || !strings.HasSuffix(held.Command, "some arguments") {
		t.Errorf("error: %v", err)
	}
	stdin.Close()
	release := acquire(t, path)
	if err := release(); err != nil {
		t.Error(err)
	}

	cmd, _ = hold(t, path)
	if held := Holder(path); held == nil || held.PID != cmd.Process.Pid {
		t.Errorf("the holder is %v", held)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	release = acquire(t, path)
	if err := release(); err != nil || Holder(path) != nil {
		t.Errorf("released: %v", err)
	}
}

// The next holder gets the note of one that died, but not the holder after
// that.
func TestLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd, _ := hold(t, path)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if held, left := Inspect(path); string(left) != `{"terminal":"pts/7"}` || held != nil {
		t.Errorf("before the lock is taken, left is %s", left)
	}
	for _, want := range []string{`{"terminal":"pts/7"}`, ""} {
		release, left, err := TryAcquire(path, "mine")
		if err != nil || string(left) != want {
			t.Errorf("left is %s, %v, want %s", left, err, want)
		}
		if held, left := Inspect(path); held == nil || left != nil {
			t.Errorf("left is %s while the lock is held", left)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	}
	if Holder(filepath.Join(t.TempDir(), "none")) != nil {
		t.Error("a file that is not there is held")
	}
}

// Processes that inspect the lock of a dead process do not count as holders.
func TestLooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd, _ := hold(t, path)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	dead, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var looking sync.WaitGroup
	for range 4 {
		looking.Go(func() {
			for range 200 {
				if held := Holder(path); held != nil {
					t.Errorf("another look was taken for a holder: %v", held)
					return
				}
			}
		})
	}
	looking.Wait()
	done := make(chan struct{})
	looking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				Inspect(path)
			}
		}
	})
	for range 100 {
		release, _, err := TryAcquire(path, nil)
		if err != nil {
			t.Error("a look was taken for a holder:", err)
			break
		}
		if err := errors.Join(release(), os.WriteFile(path, dead, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	looking.Wait()
}

// TestPassing has a lock that is held for a moment with the note of a dead
// process, as by a fork of that.
func TestPassing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd, _ := hold(t, path)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	l, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.note.Close()
	if taken, err := l.try(); !taken || err != nil {
		t.Fatal(taken, err)
	}
	passed := time.AfterFunc(noteWait/4, func() { _ = l.kernel.Unlock() })
	defer passed.Stop()
	release, left, err := TryAcquire(path, nil)
	if err != nil || left == nil {
		t.Fatalf("left is %s, error: %v", left, err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// A holder keeps the lock after it has dropped the release function and the
// garbage collector has run.
func TestForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if _, err := Acquire(t.Context(), path, enough); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		locks.Range(func(_, l any) bool { return l.(lock).release() == nil })
	})
	for range 10 {
		runtime.GC()
		var held *HeldError
		if _, _, err := TryAcquire(path, nil); !errors.As(err, &held) {
			t.Fatalf("error: %v", err)
		}
	}
}

func TestTryAcquire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd, stdin := hold(t, path)
	_, _, err := TryAcquire(path, nil)
	var held *HeldError
	var note struct{ Terminal string }
	if !errors.As(err, &held) || held.PID != cmd.Process.Pid || json.Unmarshal(held.Note, &note) != nil || note.Terminal != "pts/7" {
		t.Errorf("error: %v", err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	release, _, err := TryAcquire(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := TryAcquire(path, nil); !errors.As(err, &held) || held.Note != nil {
		t.Errorf("error: %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	if _, _, err := TryAcquire(path, func() {}); err == nil {
		t.Error("an invalid note was accepted")
	}
}

// TestUnknownHolder has a lock with a partial note, as during a write.
func TestUnknownHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	acquire(t, path)
	if err := os.WriteFile(path, []byte("\x00{\"pid\": 1"), 0o600); err != nil {
		t.Skip("a locked file cannot be written here:", err)
	}
	var held *HeldError
	if _, _, err := TryAcquire(path, nil); !errors.As(err, &held) || held.PID != 0 {
		t.Errorf("error: %v", err)
	}
}

func TestCancel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release := acquire(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := Acquire(ctx, path, enough)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
	if _, err := Acquire(ctx, filepath.Join(t.TempDir(), "free"), enough); !errors.Is(err, context.Canceled) {
		t.Errorf("with a free lock: %v", err)
	}
	// An abandoned wait releases the lock that it gets.
	for range 20 {
		if _, err := Acquire(t.Context(), path, time.Microsecond); err == nil {
			t.Fatal("the lock was taken twice")
		}
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	acquire(t, path)
}

// TestExclusive counts with only the lock under test.
func TestExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	count := filepath.Join(t.TempDir(), "count")
	if err := os.WriteFile(count, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var taken atomic.Int64
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			wait := enough
			if i%2 == 1 {
				wait = time.Duration(i) * 10 * time.Microsecond // many of these give up, some with the lock on its way
			}
			release, err := Acquire(t.Context(), path, wait)
			if err != nil {
				if wait == enough {
					t.Error(err)
				}
				return
			}
			content, err := os.ReadFile(count)
			if err == nil {
				err = os.WriteFile(count, append(content, '.'), 0o600)
				taken.Add(1)
			}
			if err := errors.Join(err, release()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if content, err := os.ReadFile(count); err != nil || len(content) != int(taken.Load()) || len(content) < 100 {
		t.Errorf("counted %d of %d: %v", len(content), taken.Load(), err)
	}
}

func TestNoFile(t *testing.T) {
	var path *fs.PathError
	if _, err := Acquire(t.Context(), t.TempDir(), enough); !errors.As(err, &path) {
		t.Errorf("a directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := TryAcquire(filepath.Join(file, "lock"), nil); !errors.As(err, &path) {
		t.Errorf("below a file: %v", err)
	}
}

func TestCommand(t *testing.T) {
	for want, args := range map[string][]string{
		"devports up":                  {"devports", "up"},
		"devports run -- sh -c a b c":  {"devports", "run", "--", "sh", "-c", "a\n\tb\nc"},
		strings.Repeat("é", 100) + "…": {strings.Repeat("é", 150)},
		strings.Repeat("a", 199) + "…": {strings.Repeat("a", 199) + "é"},
	} {
		if got := command(args); got != want {
			t.Errorf("%q: %q", args, got)
		}
	}
}

// With any content of the lock file, a free lock can be taken, the note is
// valid JSON or none, the file then contains the holder, and after the release
// none.
func FuzzInspect(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "\x00{\"pid\":4711,\"command\":\"devports up\",\"since\":\"2026-11-21T10:00:00Z\",\"note\":{\"id\":\"X\"}}\n",
		"\x00{\"pid\":-1,\"note\":null}", "\x00{\"pid\":1", "{\"pid\":1}", "\x00{\"pid\":1e99}", "\x00[]", "\x00{\"pid\":1}{\"pid\":2}",
		"\x00" + strings.Repeat(" ", noteLimit) + "{\"pid\":1}",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "lock")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		held, before := Inspect(path)
		if held != nil || len(before) > 0 && !json.Valid(before) {
			t.Errorf("free, it is held by %v, with %q left", held, before)
		}
		release, left, err := TryAcquire(path, "mine")
		if err != nil || string(left) != string(before) {
			t.Fatalf("%v, with %q left instead of %q", err, left, before)
		}
		if held, left := Inspect(path); held == nil || held.PID != os.Getpid() || string(held.Note) != `"mine"` || left != nil {
			t.Errorf("taken, it is held by %v, with %q left", held, left)
		}
		// Text that another process has written over it is harmless, too.
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if held, left := Inspect(path); held == nil || held.PID < 0 || left != nil {
			t.Errorf("written over, it is held by %v, with %q left", held, left)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if held, left := Inspect(path); held != nil || left != nil {
			t.Errorf("released, it is held by %v, with %q left", held, left)
		}
	})
}

// TestSetNote replaces notes with longer and shorter ones while others read
// them: each reads a complete note.
func TestSetNote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := SetNote(path, "x"); err == nil {
		t.Error("SetNote succeeds for a lock that is not held")
	}
	release, _, err := TryAcquire(path, "first")
	if err != nil {
		t.Fatal(err)
	}
	since := Holder(path).Since
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if held := Holder(path); held == nil || held.PID != os.Getpid() || len(held.Note) < 3 {
				t.Errorf("read: %+v", held)
				return
			}
		}
	})
	for i := range 200 {
		note := strings.Repeat("x", 1+i*37%100)
		if err := SetNote(path, note); err != nil {
			t.Fatal(err)
		}
		if held := Holder(path); string(held.Note) != `"`+note+`"` || !held.Since.Equal(since) {
			t.Fatalf("it is %+v", held)
		}
	}
	close(stop)
	reader.Wait()
	if err := release(); err != nil {
		t.Error(err)
	}
	if held, left := Inspect(path); held != nil || left != nil {
		t.Errorf("after the release: %v, %s", held, left)
	}
}

// TestRemove takes a lock and removes its file concurrently: two never hold it
// at the same time.
func TestRemove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holders atomic.Int32
	var removed atomic.Int32
	var group sync.WaitGroup
	done := make(chan struct{})
	for n := range 8 {
		group.Go(func() {
			for range 150 {
				release, err := Acquire(t.Context(), path, enough)
				if n%2 == 0 {
					if err == nil {
						_ = release()
					}
					release, _, err = TryAcquire(path, n)
				}
				var held *HeldError
				if errors.As(err, &held) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if now := holders.Add(1); now != 1 {
					t.Errorf("%d hold the lock", now)
				}
				runtime.Gosched()
				holders.Add(-1)
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var removers sync.WaitGroup
	for range 2 {
		removers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				err := Remove(path, func() error {
					removed.Add(1)
					if now := holders.Load(); now != 0 {
						t.Errorf("%d hold the lock that is being removed", now)
					}
					return nil
				})
				if err != nil && !errors.As(err, new(*HeldError)) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	close(done)
	removers.Wait()
	if removed.Load() == 0 {
		t.Error("nothing was removed")
	}
	if err := Remove(path, func() error { return nil }); err != nil {
		t.Error(err)
	}
	if err := Remove(path, func() error { t.Error("called"); return nil }); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}
