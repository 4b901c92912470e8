//go:build unix

package logstore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is, in another process, a run that records until it is killed.
func TestMain(m *testing.M) {
	if home := os.Getenv("LOGSTORE_RECORD"); home != "" {
		record(home)
	}
	os.Exit(m.Run())
}

// record records numbered lines, and prints how far it has come.
func record(home string) {
	s := New(home, DefaultLimit)
	r := s.Begin(RunID{ID: "id", PID: os.Getpid(), Slot: "a", Began: time.Now()}, func(err error) { fmt.Println(err) })
	web, db := r.Stream("web"), r.Stream("db")
	for i := range 200_000 { // fewer than a store keeps
		web.Append(fmt.Appendf(nil, "%d %s\n", i, strings.Repeat("x", i%100)))
		db.Append(fmt.Appendf(nil, "%d", i)) // one line that grows
		if i%100 == 0 {
			fmt.Println(i)
			time.Sleep(100 * time.Microsecond)
		}
	}
	select {}
}

// TestKilled kills a run at any moment: only what it printed in the last moment is
// missing, and the next run is not disturbed.
func TestKilled(t *testing.T) {
	for round := range 4 {
		home := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "LOGSTORE_RECORD="+home)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		progress := bufio.NewScanner(out)
		reached := func(until time.Duration) (n int) {
			for end := time.Now().Add(until); time.Now().Before(end) && progress.Scan(); {
				_, _ = fmt.Sscan(progress.Text(), &n)
			}
			return n
		}
		early := reached(time.Duration(20+round*47) * time.Millisecond)
		go func() { // the run goes on
			for progress.Scan() {
			}
		}()
		s := New(home, DefaultLimit)
		written := func() int {
			return len(read(t, latest(t, s, "a"), Query{Last: -1, Services: []string{"web"}}))
		}
		for limit := time.Now().Add(time.Minute); written() < max(early, 1); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatal("what it prints is not written while it runs")
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		run := latest(t, s, "a")
		if !run.Killed() || run.Last().IsZero() {
			t.Errorf("%+v", run)
		}
		lines := read(t, run, Query{Last: -1, Services: []string{"web"}})
		if len(lines) < early {
			t.Errorf("%d lines, of %d", len(lines), early)
		}
		i := 0
		for _, l := range lines {
			if l.Missed > 0 { // the disk was too slow
				i += int(l.Missed)
				continue
			}
			if l.Text != fmt.Sprintf("%d %s", i, strings.Repeat("x", i%100)) {
				t.Fatalf("line %d is %q", i, l.Text)
			}
			i++
		}
		var grown strings.Builder
		for i := range len(lines) + 1000 {
			fmt.Fprint(&grown, i)
		}
		db := read(t, run, Query{Last: -1, Services: []string{"db"}})
		all := ""
		for _, l := range db {
			all += l.Text
		}
		if len(db) == 0 || !strings.HasPrefix(grown.String(), all[:min(len(all), grown.Len())]) {
			t.Errorf("the unfinished line is %d lines, %.100q", len(db), all)
		}
		r := begin(t, s, "a")
		r.Stream("web").Append([]byte("next\n"))
		end(t, r)
		want(t, read(t, latest(t, s, "a"), Query{Last: -1}), "web:next")
	}
}

// TestReadOnly has a home that cannot be written to: that is reported once, and
// is all.
func TestReadOnly(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "logs"), nil, 0o600); err != nil { // root may write to any directory
		t.Fatal(err)
	}
	failures := make(chan error, 10)
	if err := New(home, DefaultLimit).Check(); err != syscall.ENOTDIR {
		t.Error(err)
	}
	r := New(home, DefaultLimit).Begin(RunID{Slot: "a", Began: time.Now()}, func(err error) { failures <- err })
	st := r.Stream("web")
	for range 1000 {
		st.Append([]byte("x\n"))
	}
	if err := r.End(t.Context(), End{}); !errors.Is(err, syscall.ENOTDIR) {
		t.Error(err)
	}
	if err := <-failures; !errors.Is(err, syscall.ENOTDIR) || len(failures) > 0 {
		t.Errorf("%v, and %d more", err, len(failures))
	}
}

// TestEndOnFullDisk has a run that ends while the disk is full: how it ended is
// recorded nevertheless.
func TestEndOnFullDisk(t *testing.T) {
	home := t.TempDir()
	if err := mountSmall(home, 1<<20); err != nil {
		t.Skip("no file system can be mounted:", err)
	}
	t.Cleanup(func() { unmount(home) })
	s := New(home, DefaultLimit)
	r := s.Begin(RunID{Slot: "a", PID: 1, Began: time.Now()}, nil)
	r.Stream("web").Append(bytes.Repeat([]byte("0123456789\n"), 200_000))
	settled(t, r, latest(t, s, "a"))
	want := End{Status: 3, Reason: "web exited with status 3", At: time.Now()}
	if err := s.Check(); err != syscall.ENOSPC {
		t.Error(err)
	}
	_ = r.End(t.Context(), want)
	if got := latest(t, s, "a"); got.Killed() || got.Reason != want.Reason || got.Status != want.Status {
		t.Errorf("%+v", got)
	}
}

// TestFullDisk fills a disk: what is missing is counted, and reported once.
func TestFullDisk(t *testing.T) {
	home := t.TempDir()
	if err := mountSmall(home, 2<<20); err != nil {
		t.Skip("no file system can be mounted:", err)
	}
	t.Cleanup(func() { unmount(home) })
	filler := filepath.Join(home, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	failures := make(chan error, 10)
	s := New(home, DefaultLimit)
	r := s.Begin(RunID{Slot: "a", PID: 1, Began: time.Now()}, func(err error) { failures <- err })
	web, db := r.Stream("web"), r.Stream("db")
	run := latest(t, s, "a")
	db.Append([]byte("first\n"))
	settled(t, r, run)
	block := bytes.Repeat([]byte("0123456789012345678901234567890123456789012345678901234567890\n"), 1000)
	printed := 0
	for range 100 {
		web.Append(block)
		printed += 1000
		settled(t, r, run)
	}
	if err := <-failures; !errors.Is(err, syscall.ENOSPC) || len(failures) > 0 {
		t.Errorf("%v, and %d more", err, len(failures))
	}
	db.Append([]byte("lost\n"))
	settled(t, r, run)
	lines := read(t, run, Query{Last: -1})
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	r.retry = time.Time{}
	r.mu.Unlock()
	db.Append([]byte("last\n")) // behind the gap
	settled(t, r, run)
	want(t, read(t, run, Query{Last: -1, Services: []string{"db"}}), "db:first", "1 missing: no space left on device", "db:last")
	end(t, r)
	if len(lines) < 10_000 || len(lines) > 40_000 {
		t.Errorf("%d lines before the disk was full", len(lines))
	}
	all := read(t, run, Query{Last: -1, Services: []string{"web"}})
	if last := all[len(all)-1]; last.Missed == 0 || last.Missed+int64(len(all)-1) != int64(printed) {
		t.Errorf("%d lines, then %+v, of %d", len(all)-1, last, printed)
	}
}
