// Command devports starts the services of a project, each on a port of its
// own that it keeps.
//
// This package is the command line: flags, wiring and messages. It wires the
// other packages together: procfile reads what a project declares, registry
// stores ports, allocator chooses them, and launcher runs the services.
package main

import (
	"io"
	"os"
	"slices"

	"github.com/devports/devports/launcher/container"
	"github.com/devports/devports/launcher/system"
)

func main() {
	reserveStack()
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// reserveStack makes the stack grow once while it is empty. Parsing a command
// line and a Portfile would grow it four times, and copy all frames each time:
// 0.1 of the 2.7 ms of processor time that devports port takes.
//
//go:noinline
func reserveStack() byte {
	var room [24 << 10]byte
	return room[len(os.Args)]
}

// run runs the program and returns its exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if system.IsWatchdog(args) { // started by `up`
		system.Watchdog(stdin)
		return 0
	}
	s := session{stdin: stdin, stdout: protect(stdout), stderr: protect(stderr), environ: environ(), getenv: os.Getenv, notices: &notices{}, front: &frontChoice{}, containers: &loadedContainers{}}
	if slices.Equal(args[min(1, len(args)):], backgroundArguments) && !isTerminal(stdin) { // started by `up -d`
		return report(s, s.upInBackground())
	}
	if spec, ok := container.Parse(args); ok { // started by `up`
		return report(s, s.runContainer(spec))
	}
	if isSharedStart(args) { // likewise
		return report(s, s.upShared(args))
	}
	if isFront(args) { // started by `up`
		return report(s, s.serveFront(args))
	}
	err := app(s).Run(args)
	return report(s, err)
}
