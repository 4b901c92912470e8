package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/system"
)

// markedProcess is a process with a mark among its arguments.
type markedProcess struct {
	process.Stat
	args []string
}

// findMarked returns the processes with a mark in an argument.
func findMarked(mark string) (found []markedProcess) {
	pids, _ := process.All()
	for _, pid := range pids {
		line, _ := os.ReadFile(process.File(pid, "cmdline"))
		if !bytes.Contains(line, []byte(mark)) {
			continue
		}
		if stat, err := process.ReadStat(pid); err == nil && !stat.Zombie {
			found = append(found, markedProcess{stat, strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")})
		}
	}
	return found
}

// sleeping reports whether the process only sleeps, with the mark as its
// argument.
func (p markedProcess) sleeping(mark string) bool { return len(p.args) == 2 && p.args[1] == mark }

// runsIn returns the processes of devports that run in another project's
// directory.
func (r *endingsRun) runsIn(directory string) (ids []process.ID) {
	for _, p := range findMarked("(background)") {
		if dir, err := os.Readlink(process.File(p.PID, "cwd")); err == nil && dir == r.path(directory) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

func (r *endingsRun) processes() string {
	var b strings.Builder
	for _, p := range append(findMarked(r.mark), findMarked(r.spared)...) {
		tag, err := process.TagOf(p.PID)
		fmt.Fprintf(&b, "pid %d, parent %d, group %d, session %d, tag %x (%v): %q\n", p.PID, p.Parent, p.Group, p.Session, tag, err, p.args)
	}
	return b.String() + "[read]\n" + r.text("read")
}

// sleepers returns the sleeping bystanders with a number.
func (r *endingsRun) sleepers(n int) (ids []process.ID) {
	for _, p := range findMarked(r.sparedOf(n)) {
		if p.sleeping(r.sparedOf(n)) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// server finds the process that listens on the port of a service; the zero ID
// for none.
func (r *endingsRun) server(service string) process.ID {
	cmd := exec.Command("devports", "port", filepath.Base(service))
	cmd.Dir, cmd.Env = filepath.Join(r.dir, filepath.Dir(service)), r.env
	port, err := cmd.Output()
	if err != nil {
		return process.ID{}
	}
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://127.0.0.1:" + strings.TrimSpace(string(port)) + "/pid")
	if err != nil {
		return process.ID{}
	}
	defer response.Body.Close()
	var pid int
	if _, err := fmt.Fscan(response.Body, &pid); err != nil {
		return process.ID{}
	}
	id, err := process.Find(pid)
	if err != nil {
		return process.ID{}
	}
	return id
}

// watchdogOf returns the watchdog of a devports process, if it has one.
func (r *endingsRun) watchdogOf(pid int) (id process.ID, ok bool) {
	children, err := proctree.Children(pid)
	r.must(err)
	for _, child := range children {
		if system.IsWatchdog(strings.Fields(process.Command(child))) {
			id, err = process.Find(child)
			return id, err == nil
		}
	}
	return process.ID{}, false
}

// printed is what devports has printed, also to a reader.
func (r *endingsRun) printed() string {
	text, _ := r.output.text()
	return text + r.text("read")
}

// ownLines is the output of devports itself, without that of services and of
// the live view.
func (r *endingsRun) ownLines() string {
	escapes := regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	var b strings.Builder
	for line := range strings.Lines(escapes.ReplaceAllString(r.printed(), "")) {
		if strings.HasPrefix(line, "devports ") && !strings.Contains(line, " started") {
			b.WriteString(line)
		}
	}
	return b.String()
}
