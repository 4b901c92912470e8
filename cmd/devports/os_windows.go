package main

import (
	"os"
	"os/exec"
)

// replace runs the program and waits for it: on Windows a process cannot become
// another.
func (p program) replace() error {
	cmd := p.child()
	cmd.Dir = "" // it is the working directory by now
	return cmd.Run()
}

// statusOf is the status of a command.
func statusOf(exit *exec.ExitError) int { return exit.ExitCode() }

// fromTerminal reports whether every process of the console has the signal: it
// is the only way to send one.
func fromTerminal(os.Signal) bool { return true }

// ownedByAnother is not told on Windows: access there is not the owner's alone.
func ownedByAnother(string) bool { return false }

// statisticsSignals is empty: Windows has no signal to ask with.
func statisticsSignals() []os.Signal { return nil }
