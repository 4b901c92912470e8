package scaffold

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/devports/devports/procfile"
)

// procfile adds the services of Procfile.dev or Procfile, and reports whether
// there are any. It leaves out the services that guess would find.
func (d *detector) procfile() bool {
	for _, name := range []string{"Procfile.dev", "Procfile"} {
		src, ok := d.read(name)
		if !ok {
			continue
		}
		if len(d.project.Services) > 0 {
			d.project.leaveOut(name, "%s takes precedence", d.project.Services[0].Origin)
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
		d.project.leaveOut(file, "%s declares the services", d.project.Services[0].Origin)
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
			d.project.leaveOut(name+", release", "it runs once per deployment")
			continue
		}
		if strings.ContainsRune(entry.Command.Shell, 0) {
			continue // it is among the problems
		}
		s := Service{Origin: name, Command: entry.Command.Shell}
		s.adopt(PortFlagIn(d.fs, s.Command), name)
		if entry.Name != "web" {
			s.guessPort(entry.Name, s.Command)
		}
		d.project.add(s, entry.Name)
	}
}

// adopt changes a service's command to listen on PORT, if possible. A port in
// the command becomes the service's pin.
func (s *Service) adopt(server Server, file string) {
	s.Note = server.Framework
	switch {
	case server.Fixed != 0 && server.Command == "":
		s.Pin = server.Fixed
		s.Remarks = append(s.Remarks, "The port is set in "+file+". Write $PORT there to give each worktree its own.")
	case server.Fixed != 0:
		s.Command, s.Pin = server.Command, server.Fixed
		s.Remarks = append(s.Remarks, "The port comes from "+file+". It applies to the main checkout; worktrees get their own.")
	case server.Ignores && server.Command == "":
		s.Remarks = append(s.Remarks, server.Framework+" ignores PORT: add "+server.Flag+" to its command in "+file+".")
	case server.Ignores:
		s.Command = server.Command
		s.Note += ", which needs its port as an argument"
	}
}

// Services that do not listen: their names, and words in their commands.
var (
	workerNames = []string{"worker", "workers", "jobs", "job", "css", "js", "clock", "scheduler", "cron", "queue", "watch", "beat", "sidekiq", "celery", "tailwind", "assets", "types", "tsc"}
	workerWords = []string{
		"sidekiq", "celery", "rq", "huey", "dramatiq", "arq", "resque", "delayed_job", "good_job", "jobs:work", "solid_queue:start", "bin/jobs",
		"queue:work", "queue:listen", "schedule:work", "horizon", "clockwork", "tailwindcss", "tailwindcss:watch", "@tailwindcss/cli",
		"tsc", "tsup", "rollup", "esbuild", "sass", "postcss", "unbuild", "build", "watch-css", "watch-js",
	}
)

// guessPort decides whether a service listens. If that is unknown, it gets a
// port but no readiness check.
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
	if slices.Contains(workerNames, name) {
		return true
	}
	commands := splitCommands(command)
	if len(commands) == 0 {
		return false
	}
	last := commands[len(commands)-1] // the commands before it only prepare
	return slices.ContainsFunc(last.words, func(w word) bool {
		return slices.Contains(workerWords, baseName(w.text)) || slices.Contains(workerWords, w.text) ||
			strings.HasPrefix(w.text, "build:") || strings.HasPrefix(w.text, "watch:") || strings.HasSuffix(w.text, ":watch")
	})
}
