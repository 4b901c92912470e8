//go:build !linux

package proctree

import (
	"context"
	"time"

	"github.com/devports/devports/allocator/process"
)

func snapshot() (Tree, error) {
	all, err := process.ReadAll()
	return newTree(all), err
}

// wait returns when all of ps have ended or limit is over, or with ctx's error.
func wait(ctx context.Context, ps []Process, limit time.Duration) error {
	return waitPolling(ctx, ps, limit)
}

func children(pid int) ([]int, error) { return childrenBySnapshot(pid) }
