//go:build unix

package main

import "golang.org/x/sys/unix"

// replace makes this process the program at path.
func replace(path string, argv, env []string) error { return unix.Exec(path, argv, env) }
