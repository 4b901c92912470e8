//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// withEngine is for a container engine of the tests, which is only on Linux.
type withEngine struct{ testscript.TestingM }

func init() { conditions["engine"] = func(string) bool { return false } }
