// Package watcher reports changes of files: a [Watcher] for the files of a
// list, a [TreeWatcher] for the files below a directory that match patterns and
// that git does not ignore.
//
// # Files
//
// A Watcher watches the directories of the files, because an editor may replace
// a file with another one of its name, and a file may not exist yet. For a
// missing directory it watches the nearest existing parent. It also watches the
// directories of the symbolic links on the path.
//
// # Patterns
//
// A pattern is a glob of [doublestar], "/"-separated and relative to the root; a
// leading "!" makes it an exclusion. A file is in the set if it matches a pattern
// and no exclusion, in any order. If there are only exclusions, all other files
// are. A file changes when it is written or touched, not by chmod.
//
// Files that a .gitignore ignores, below the root or above it in the same
// repository, are not in the set, unless a pattern without glob characters
// names them. If the root itself is ignored, only the .gitignore files in and
// below it apply, because the user works there. Directories called .git and
// node_modules are always skipped. A symbolic link to a file changes with that
// file, wherever it is; a link to a directory is a file and is not followed; a
// dangling link does not exist. Sockets, pipes and devices are never in a set.
//
// When a .gitignore changes, the files that are no longer ignored are reported as
// created, since they may have changed with it. Files that are ignored from now on
// are not reported.
//
// # Directories
//
// A directory is watched if a file of a set could be below it, now or later, or
// if it is above the root and its .gitignore applies. A directory that is
// ignored or excluded as a whole ("!vendor/**") costs no watch.
//
// The root must not move: after it is removed or renamed, nothing is reported.
//
// # Up to date
//
// Sync is for callers that need all changes so far: it returns once everything that
// happened before the call has been received from Changes. It still waits for the
// quiet time, so that the receiver does not act in the middle of a burst.
//
// # Concurrency
//
//	fsnotify ─► queue ─► run ─► debounce ─► Watcher.Changes
//	fsnotify ─► queue ─► run ─► TreeWatcher.Changes
//
// Each arrow is a channel between two goroutines. run owns the list of files,
// or the tree of directories and files and the pending change, and only run
// changes what is watched. queue receives events at any time, whatever run
// does: the kernel's queue is short, and on Windows, fsnotify's Add waits for
// the goroutine that sends them.
//
// [doublestar]: https://pkg.go.dev/github.com/bmatcuk/doublestar/v4#Match
package watcher
