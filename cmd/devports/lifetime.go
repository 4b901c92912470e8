package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/devports/devports/registry/checkout"
)

// checkoutPoll is how often a run checks whether its checkout still exists.
const checkoutPoll = 250 * time.Millisecond

// checkoutGone is how long .git must have been gone: editors and git replace it.
// Only tests change it.
var checkoutGone = time.Second

// endWithCheckout ends the run once its checkout has been removed, for example
// by git worktree remove.
func (u *upRun) endWithCheckout() (stop func()) {
	root := worktreeRoot(u.run.Project.Checkout)
	if root == "" || u.run.Shared {
		return func() {}
	}
	exists, closeRoot := gitFileIn(root)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer closeRoot()
		ticks := time.NewTicker(checkoutPoll)
		defer ticks.Stop()
		for since := (time.Time{}); ; {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			switch {
			case exists():
				since = time.Time{}
			case since.IsZero():
				since = time.Now()
			case time.Since(since) >= checkoutGone:
				_ = u.controller.End(ctx, "the checkout "+root+" was removed")
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// worktreeRoot is the top directory of a linked worktree, where git has created
// the file .git; "" for other checkouts.
func worktreeRoot(c checkout.Checkout) string {
	if c.Repository == "" {
		return ""
	}
	root := c.Directory
	if below := filepath.FromSlash(c.Path); below != "" {
		for range len(splitPath(below)) {
			root = filepath.Dir(root)
		}
	}
	if info, err := os.Lstat(filepath.Join(root, ".git")); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return root
}

func splitPath(path string) (parts []string) {
	for path != "." && path != "" {
		parts = append(parts, filepath.Base(path))
		path = filepath.Dir(path)
	}
	return parts
}

// gitFileIn returns a function that reports whether .git exists in a directory,
// even after the directory has moved.
func gitFileIn(root string) (exists func() bool, closeRoot func()) {
	if runtime.GOOS != "windows" { // an open directory cannot be moved there
		if dir, err := os.OpenRoot(root); err == nil {
			return func() bool {
				_, err := dir.Lstat(".git")
				return !errors.Is(err, fs.ErrNotExist)
			}, func() { dir.Close() }
		}
	}
	return func() bool {
		_, err := os.Lstat(filepath.Join(root, ".git"))
		_, gone := os.Lstat(root)
		return !errors.Is(err, fs.ErrNotExist) || errors.Is(gone, fs.ErrNotExist) // it may have been moved
	}, func() {}
}
