// Package watcher tells when files have changed: a [Watcher] of the files of a set,
// a [TreeWatcher] of those below a folder that match patterns and that git does
// not ignore.
//
// # Files
//
// A Watcher watches the folders that hold the files, because an editor may replace
// a file by another of its name, and a file may not be there yet; for a folder
// that is missing, the nearest one above it; and the folders that hold the
// symbolic links on the way.
//
// # Patterns
//
// A pattern is a glob of [doublestar], "/"-separated and relative to the root; a
// leading "!" makes it an exclusion. A file counts if it matches a pattern and
// no exclusion, in whatever order they stand. Where there are exclusions only,
// all other files count. A file changes when it is written or touched, not by
// chmod.
//
// What a .gitignore ignores, below the root or above it in the same repository,
// does not count, unless a pattern without any glob character names it. Where
// the root itself is ignored, only the .gitignore files in and below it matter:
// somebody means to work there. Folders called .git and node_modules are
// skipped in any case. A symbolic link to a file changes with that file, wherever
// it is; one to a folder is a file of its own, and is not followed; one that leads
// nowhere is not there. Sockets, pipes and devices never count.
//
// When a .gitignore changes, files that count from now on are told as if they
// had come, since they may have changed with it; those that count no more are
// not told.
//
// # Folders
//
// A folder is watched if a file that counts could lie below it, now or later,
// and besides those above the root whose .gitignore matters. What is ignored or
// excluded as a whole ("!vendor/**") costs no watch.
//
// The root must stay: nothing is told any more once it is removed or renamed.
//
// # Up to date
//
// Sync is for those who need to know that nothing is on its way: it returns once
// what happened before it was called has been taken from Changes. The quiet time
// holds all the same, so that nothing acts in the midst of a burst.
//
// # Concurrency
//
//	fsnotify ─► queue ─► run ─► debounce ─► Watcher.Changes
//	fsnotify ─► queue ─► run ─► TreeWatcher.Changes
//
// Each arrow is a channel between two goroutines. run owns the set of files, or all
// that is known of folders, files and the change to be told, and is the only one
// that changes what is watched. queue takes events at any time, whatever run does:
// the kernel's queue is short, and on Windows, fsnotify's Add waits for the
// goroutine that sends them.
//
// [doublestar]: https://pkg.go.dev/github.com/bmatcuk/doublestar/v4#Match
package watcher
