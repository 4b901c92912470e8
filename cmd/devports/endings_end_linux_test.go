package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher"
)

// end ends the run, and returns when its processes must have ended.
func (r *endingsRun) end() (deadline time.Time) {
	watchdog := process.ID{}
	if r.way == wayKillBoth {
		r.until("a watchdog", func() (ok bool) {
			watchdog, ok = r.watchdogOf(r.up.PID)
			return ok || r.early
		})
	}
	typed := r.tty && r.draw.IntN(2) == 0
	interrupt := func() {
		if typed {
			_, err := r.master.WriteString("\x03")
			r.must(err)
			return
		}
		r.must(r.up.Signal(syscall.SIGINT))
	}
	switch r.way {
	case wayInterrupt:
		interrupt()
	case wayEchoed:
		interrupt()
		r.must(ignoreDone(r.up.Signal(syscall.SIGINT)))
	case wayTwice:
		interrupt()
		r.until("the first signal", func() bool { return r.early || strings.Contains(r.printed(), "interrupt: stopping") })
		<-time.After(launcher.EchoTime + 50*time.Millisecond)
		if err := r.up.Signal(syscall.SIGINT); !r.early {
			r.must(err) // the stubborn service is still alive
		}
	case wayTerminate:
		r.must(r.up.Signal(syscall.SIGTERM))
	case wayHangUp:
		r.must(r.up.Signal(syscall.SIGHUP))
	case wayKill:
		r.must(r.up.Signal(syscall.SIGKILL))
	case wayKillBoth:
		first, second := r.up, watchdog
		if r.draw.IntN(2) == 0 {
			first, second = second, first
		}
		r.must(ignoreDone(first.Signal(syscall.SIGKILL)))
		r.must(ignoreDone(second.Signal(syscall.SIGKILL)))
	case wayClosed:
		r.must(r.master.Close())
		<-r.read
	case wayDown:
		cmd := exec.Command("devports", "down")
		cmd.Dir, cmd.Env = r.dir, r.env
		if out, err := cmd.CombinedOutput(); err != nil && r.early {
			r.must(ignoreDone(r.up.Signal(syscall.SIGINT))) // the first one was too early
		} else if err != nil {
			r.t.Errorf("devports down: %v\n%s", err, out)
		}
	}
	limit := 20 * time.Second // less than the stop timeout of the stubborn service
	for end := time.Now().Add(limit); r.up.Alive(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("devports has not ended after %v\n%s", limit, r.processes())
		}
	}
	switch r.way {
	case wayKillBoth:
	case wayKill: // its watchdog ends the services
		return time.Now().Add(30 * time.Second)
	default:
		return time.Now().Add(time.Second)
	}
	cmd := exec.Command("devports", "up", "quick")
	cmd.Dir, cmd.Env = r.dir, r.env
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Errorf("the next up: %v\n%s", err, out)
	}
	return time.Now()
}

func ignoreDone(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// goingChains returns the files of fork chains that go on: a scan of all processes
// can miss one that ends during the scan.
func (r *endingsRun) goingChains() (names []string) {
	for _, name := range chainFiles {
		_ = os.Remove(r.path(name))
	}
	<-time.After(100 * time.Millisecond)
	for _, name := range chainFiles {
		if _, err := os.Stat(r.path(name)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// count counts the survivors.
func (r *endingsRun) count(deadline time.Time) {
	left := func() []markedProcess { return findMarked(r.mark) }
	survivors, going := left(), r.goingChains()
	for len(survivors)+len(going) > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		survivors, going = left(), r.goingChains()
	}
	for _, name := range going {
		r.t.Errorf("the fork chain goes on: %s", name)
	}
	chains := len(going)
	for n, k := range r.kinds() {
		of := 0
		for _, p := range survivors {
			for _, arg := range p.args {
				if strings.Contains(arg, r.markOf(n)) {
					of++
					break
				}
			}
		}
		if k.files != nil {
			of = max(of, chains)
		}
		r.table.count(r.way, k.name, of, 0)
	}
	for _, p := range survivors {
		tag, err := process.TagOf(p.PID)
		environ, _ := process.Environ(p.PID)
		r.t.Errorf("pid %d lives: parent %d, group %d, session %d, stopped %v, tag %x (%v), %q\n%q",
			p.PID, p.Parent, p.Group, p.Session, p.Stopped, tag, err, p.args, environ)
	}
	if len(survivors) > 0 {
		began := time.Now()
		for len(left()) > 0 && time.Since(began) < 5*time.Second {
			time.Sleep(10 * time.Millisecond)
		}
		r.t.Errorf("%d left %v later", len(left()), time.Since(began).Round(10*time.Millisecond))
	}
	if r.early {
		return
	}
	if text := r.text("cleaned"); r.way.graceful() && text != "clean\n" {
		r.t.Errorf("the service that cleans up has written %q", text)
	}
}

// countBystanders counts the live bystanders.
func (r *endingsRun) countBystanders(beside map[string][]process.ID) {
	for name, ids := range beside {
		lived := 0
		for _, id := range ids {
			if !id.Alive() {
				r.t.Errorf("%s: pid %d has ended", name, id.PID)
			} else {
				lived++
			}
		}
		r.table.count(r.way, name, lived, len(ids))
	}
	for end := time.Now().Add(patience); !r.early && r.server("other/web") != r.other[2]; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Errorf("%s does not answer", another)
			break
		}
	}
	r.endBystanders()
	end := time.Now().Add(patience)
	for !strings.HasSuffix(r.text("read"), "end 0\n") && time.Now().Before(end) {
		time.Sleep(10 * time.Millisecond)
	}
	text, lived := r.text("read"), 1
	if !strings.HasSuffix(text, "end 0\n") {
		lived = 0
		r.t.Errorf("%s has read %q", reader, text)
	}
	r.table.count(r.way, reader, lived, 1)
	if r.way.graceful() && !r.early && !r.tty && r.way != wayClosed {
		for _, k := range r.kinds() {
			if !strings.Contains(text, k.service+" stopped\n") {
				r.t.Errorf("%s has not read the end of %s:\n%s", reader, k.service, text)
			}
		}
	}
}

// endBystanders kills the processes that had to survive.
func (r *endingsRun) endBystanders() {
	for _, id := range r.runsIn("other") {
		_ = id.Signal(syscall.SIGTERM)
	}
	r.kill(func() (ids []process.ID) {
		for _, p := range findMarked(r.spared) {
			ids = append(ids, p.ID)
		}
		return ids
	})
}

// cleanUp kills everything that is left, mainly after a failure.
func (r *endingsRun) cleanUp() {
	r.endBystanders()
	r.kill(func() (ids []process.ID) {
		for _, p := range findMarked(r.mark) {
			ids = append(ids, p.ID)
		}
		pids, _ := process.All()
		for _, pid := range pids {
			environ, _ := os.ReadFile(process.File(pid, "environ"))
			if !bytes.Contains(environ, []byte("DEVPORTS_HOME="+r.path(".state")+"\x00")) {
				continue
			}
			if stat, err := process.ReadStat(pid); err == nil && !stat.Zombie {
				ids = append(ids, stat.ID)
			}
		}
		return ids
	})
	r.master.Close()
	<-r.read
	if all := r.printed(); strings.Contains(all, "DATA RACE") {
		r.t.Error(all)
	}
	if r.t.Failed() {
		r.t.Logf("[output]\n%s", r.ownLines())
	}
}

// kill kills processes until there are none, within a time limit.
func (r *endingsRun) kill(find func() []process.ID) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		ids := find()
		for _, id := range ids {
			_ = id.Signal(syscall.SIGKILL)
		}
		if len(ids) == 0 {
			return
		}
	}
}
