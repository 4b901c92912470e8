package main

import (
	"math"
	"os"
	"os/exec"
)

// replace runs the program at path and waits for it: on Windows a process
// cannot become another.
func replace(path string, argv, env []string) error {
	cmd := &exec.Cmd{Path: path, Args: argv, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	return cmd.Run()
}

// ownedByAnother is not told on Windows: access there is not the owner's alone.
func ownedByAnother(string) bool { return false }

// statisticsSignals is empty: Windows has no signal to ask with.
func statisticsSignals() []os.Signal { return nil }

// resizeSignals is empty: a Windows console does not tell by a signal.
func resizeSignals() []os.Signal { return nil }

// suspendSignals and continueSignals are empty: nothing is suspended on Windows.
func suspendSignals() []os.Signal { return nil }

func continueSignals() []os.Signal { return nil }

func stopSelf() {}

// maxOpenFiles is how many files devports may have open: Windows has no limit
// that a launcher would come near.
func maxOpenFiles() int { return math.MaxInt }
