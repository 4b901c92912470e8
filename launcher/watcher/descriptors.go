package watcher

import (
	"fmt"
	"math"
	"os"
	"sync"
)

// kqueue, on macOS, watches open files, and fsnotify watches a directory with
// every entry of it: each is an open file of the process. If they were all
// used, no service could start. So directories are watched only as long as that
// leaves enough.

// Load is how much of the limit of open files is for watching.
type Load int

const (
	Light Load = iota
	Heavy      // it works, and comes near to what does not
	TooMuch
)

// LoadOf judges the number of files that watching opens by the process's limit of
// open files, which is 0 if watching opens none. Half of the limit is for the
// services and their output.
func LoadOf(files, limit int) Load {
	switch {
	case limit == 0 || files <= limit/4:
		return Light
	case files <= limit/2:
		return Heavy
	}
	return TooMuch
}

// LimitFor is a limit of open files with which watching that many files is a light
// load: a round number.
func LimitFor(files int) int {
	limit := 1024
	for limit < math.MaxInt/2 && LoadOf(files, limit) != Light {
		limit *= 2
	}
	return limit
}

// descriptors counts the files that watching opens in a process.
type descriptors struct {
	limit func() int // of open files; 0 if watching opens none

	mu     sync.Mutex // guards the fields below
	opened map[watchedDirectory]int
	total  int
}

// watchedDirectory is a directory and the queue that watches it: each opens it.
type watchedDirectory struct {
	queue *queue
	path  string
}

// ofProcess counts for all queues.
var ofProcess = &descriptors{limit: fileLimit}

// take counts a directory that is about to be watched. The error is a
// *filesError if the process should not open so many files.
func (d *descriptors) take(f watchedDirectory) error {
	limit := d.limit()
	if limit == 0 {
		return nil
	}
	files := filesIn(f.path)
	d.mu.Lock()
	defer d.mu.Unlock()
	total := d.total - d.opened[f] + files // it may be watched already
	if LoadOf(total, limit) == TooMuch {
		return &filesError{files: total, limit: limit}
	}
	if d.opened == nil {
		d.opened = map[watchedDirectory]int{}
	}
	d.opened[f], d.total = files, total
	return nil
}

// release ends the count of a directory; of all directories of the queue if
// path is "".
func (d *descriptors) release(f watchedDirectory) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for opened, files := range d.opened {
		if opened.queue == f.queue && (f.path == "" || opened.path == f.path) {
			delete(d.opened, opened)
			d.total -= files
		}
	}
}

// filesIn returns how many files watching a directory opens: its entries. The
// directory itself counts as an entry of its parent.
func filesIn(directory string) int {
	dir, err := os.Open(directory)
	if err != nil {
		return 0 // so the directory cannot be watched
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return len(names)
}

// filesError reports that watching would open too many files.
type filesError struct{ files, limit int }

func (e *filesError) Error() string {
	return fmt.Sprintf("that would open %d files, of at most %d (use narrower watch patterns, or raise the limit: %s)", e.files, e.limit/2, RaiseFileLimit(LimitFor(e.files)))
}
