package scaffold

import (
	"slices"
	"strings"
)

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
	workerNames = []string{"worker", "workers", "jobs", "job", "css", "js", "clock", "scheduler", "cron", "queue", "watch", "beat", "sidekiq", "celery", "tailwind", "assets", "types", "tsc", "logs", "horizon"}
	workerWords = []string{
		"sidekiq", "celery", "rq", "huey", "dramatiq", "arq", "resque", "delayed_job", "good_job", "jobs:work", "solid_queue:start", "bin/jobs",
		"queue:work", "queue:listen", "pail", "schedule:work", "horizon", "clockwork", "tailwindcss", "tailwindcss:watch", "@tailwindcss/cli",
		"tsc", "tsup", "rollup", "esbuild", "sass", "postcss", "unbuild", "build", "watch-css", "watch-js",
	}
)

// guessPort decides whether a service listens. If that is unknown, it gets a
// port but no readiness check.
func (s *Service) guessPort(name, command string) {
	if listens(command) || s.Pin != 0 {
		return
	}
	if isWorker(name, command) || rebuilds(command) {
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
