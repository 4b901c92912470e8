//go:build !linux

package main

import (
	"errors"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/devports/devports/allocator/process"
)

func withoutInotify() { fatal(errors.ErrUnsupported) }

func allPIDs(ts *testscript.TestScript) (pids []int) {
	all, err := process.ReadAll()
	ts.Check(err)
	for _, p := range all {
		pids = append(pids, p.PID)
	}
	return pids
}
