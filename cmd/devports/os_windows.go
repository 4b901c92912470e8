package main

import (
	"os"
	"os/exec"
)

// replace runs the program and waits for it: Windows cannot replace a process.
func (p program) replace() error {
	cmd := p.child()
	cmd.Dir = "" // already the working directory
	return cmd.Run()
}

// statusOf is the exit status of a command.
func statusOf(exit *exec.ExitError) int { return exit.ExitCode() }

// fromTerminal reports whether every process of the console has received the
// signal, which is always so.
func fromTerminal(os.Signal) bool { return true }

// ownedByAnother is false on Windows, where access does not depend on the
// owner.
func ownedByAnother(string) bool { return false }

// statisticsSignals is empty: Windows has no such signals.
func statisticsSignals() []os.Signal { return nil }
