// Command devports starts the services of a project, each on a port of its
// own that it keeps.
//
// This package is the command line: flags, wiring, and every sentence that the
// user reads. What it wires together is in the packages beside it: procfile
// reads what a project declares, registry remembers ports, allocator chooses
// them, launcher runs the services.
package main

import (
	"io"
	"os"
	"slices"

	"github.com/devports/devports/launcher/system"
)

func main() {
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program but for the exit. It returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if system.IsWatchdog(args) { // started by `up`
		system.Watchdog(stdin)
		return 0
	}
	s := session{stdin: stdin, stdout: protect(stdout), stderr: protect(stderr), environ: os.Environ(), getenv: os.Getenv, notices: &notices{}}
	if slices.Equal(args[min(1, len(args)):], backgroundArguments) && !isTerminal(stdin) { // started by `up -d`
		return report(s, s.upInBackground())
	}
	err := app(s).Run(args)
	return report(s, err)
}
