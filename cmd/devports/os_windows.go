package main

import (
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
