package main

import (
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/devports/devports/launcher/system"
)

// replace runs the program and waits for it: Windows cannot replace a process.
// Ctrl-C and Ctrl-Break reach the program, too, which decides what they do.
func (p program) replace() error {
	signals := make(chan os.Signal, 1) // not received: the signals are only not to end this process
	signal.Notify(signals, stopSignals()...)
	defer signal.Stop(signals)
	cmd := p.child()
	cmd.Dir = "" // already the working directory
	release, err := system.StartTied(cmd)
	if err != nil {
		return err
	}
	defer release()
	return cmd.Wait()
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

// showsColors reports whether a console interprets escape sequences. The
// consoles of Windows 10 and later do once they are asked to: see "Console
// Virtual Terminal Sequences" in Microsoft's documentation.
func showsColors(console *os.File) bool {
	handle := windows.Handle(console.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// environ is the environment of this process. The case of names does not matter
// to Windows, which has Path, but to Portfiles, which have ${PATH}.
func environ() []string {
	environ := os.Environ()
	i := slices.IndexFunc(environ, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.EqualFold(name, "PATH")
	})
	if i >= 0 {
		environ[i] = "PATH" + environ[i][len("PATH"):]
	}
	return environ
}
