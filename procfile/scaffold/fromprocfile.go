package scaffold

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/devports/devports/procfile"
)

// procfile takes the services of Procfile.dev or Procfile, and reports whether
// there are any. What it would guess without is left out.
func (d *detector) procfile() bool {
	for _, name := range []string{"Procfile.dev", "Procfile"} {
		src, ok := d.read(name)
		if !ok {
			continue
		}
		if len(d.project.Services) > 0 {
			d.project.leaveOut(name, "%s is there", d.project.Services[0].Origin)
			continue
		}
		d.entries(name, src)
	}
	if len(d.project.Services) == 0 {
		return false
	}
	guessed := detector{fs: d.fs}
	guessed.guess()
	for _, file := range guessed.project.Origins() {
		d.project.leaveOut(file, "%s says what runs", d.project.Services[0].Origin)
	}
	return true
}

func (d *detector) entries(name string, src []byte) {
	f, err := procfile.Parse(name, src)
	var problems procfile.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			d.project.leaveOut(fmt.Sprintf("%s, line %d", name, p.Line), "%s", p.Text)
		}
	}
	for _, entry := range f.Services {
		if entry.Name == "release" {
			d.project.leaveOut(name+", release", "it runs once, when a release is deployed")
			continue
		}
		if strings.ContainsRune(entry.Command.Shell, 0) {
			continue // that is among the problems
		}
		s := Service{Origin: name, Command: entry.Command.Shell}
		s.adopt(PortFlagIn(d.fs, s.Command), name)
		if entry.Name != "web" {
			s.guessPort(entry.Name, s.Command)
		}
		d.project.add(s, entry.Name)
	}
}

// adopt makes a service's command one that listens on PORT, if it can be made
// so. A port that the command named stays the service's.
func (s *Service) adopt(server Server, file string) {
	s.Note = server.Framework
	switch {
	case server.Fixed != 0 && server.Command == "":
		s.Pin = server.Fixed
		s.Remarks = append(s.Remarks, "The number is in "+file+": with $PORT in its place, each worktree gets a port of its own.")
	case server.Fixed != 0:
		s.Command, s.Pin = server.Command, server.Fixed
		s.Remarks = append(s.Remarks, "The number was in "+file+"; it holds in the main checkout, other worktrees get their own.")
	case server.Ignores && server.Command == "":
		s.Remarks = append(s.Remarks, server.Framework+" ignores PORT: put "+server.Flag+" where "+file+" starts it.")
	case server.Ignores:
		s.Command = server.Command
		s.Note += ", which has to be told its port"
	}
}

// workers are the names, and the words of commands, of what listens nowhere.
var (
	workers = []string{"worker", "workers", "jobs", "job", "css", "js", "clock", "scheduler", "cron", "queue", "watch", "beat", "sidekiq", "celery", "tailwind", "assets", "types", "tsc"}
	works   = []string{
		"sidekiq", "celery", "rq", "huey", "dramatiq", "arq", "resque", "delayed_job", "good_job", "jobs:work", "solid_queue:start", "bin/jobs",
		"queue:work", "queue:listen", "schedule:work", "horizon", "clockwork", "tailwindcss", "tailwindcss:watch", "@tailwindcss/cli",
		"tsc", "tsup", "rollup", "esbuild", "sass", "postcss", "unbuild", "build", "watch-css", "watch-js",
	}
)

// guessPort decides whether a command of this name listens at all. Where
// nothing tells, it may, and nobody waits for it.
func (s *Service) guessPort(name, command string) {
	if listens(command) || s.Pin != 0 {
		return
	}
	if isWorker(name, command) {
		s.NoPort, s.Worker = true, true
	} else {
		s.Ready = "none"
	}
}

func listens(command string) bool {
	return mentionsPort(command) || PortFlag(command) != (Server{})
}

func isWorker(name, command string) bool {
	if slices.Contains(workers, name) {
		return true
	}
	commands := splitCommands(command)
	if len(commands) == 0 {
		return false
	}
	last := commands[len(commands)-1] // what comes before only prepares
	return slices.ContainsFunc(last.words, func(w word) bool {
		return slices.Contains(works, baseName(w.text)) || slices.Contains(works, w.text) ||
			strings.HasPrefix(w.text, "build:") || strings.HasPrefix(w.text, "watch:") || strings.HasSuffix(w.text, ":watch")
	})
}
