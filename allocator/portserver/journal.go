package portserver

import (
	"errors"
	"os"

	"github.com/devports/devports/allocator/atomicfile"
)

// journal is the state file as its server writes it: a line is appended for each
// assignment, and the file is rewritten when it has many more lines than there
// are ports. Nothing is synced, as the owners do not survive a power cut either.
// The Server's mutex guards it. The zero value keeps nothing.
type journal struct {
	file, boot string
	lines      int // in the file
	most       int // lines before the file is rewritten
	failed     bool
}

// growth is how many lines a file may have for each port of the pool.
const growth = 4

// add writes down r, which is one of the records that all returns. After a
// failure, the file stays as it was, except for a piece of a line at its end;
// each later call then tries to write it anew with all records.
func (j *journal) add(r record, all func() []record) error {
	if j.file == "" {
		return nil
	}
	if j.failed || j.lines >= j.most {
		return j.rewrite(all())
	}
	err := j.appendLine(r)
	j.failed = err != nil
	return err
}

// appendLine opens the file anew each time: there is then none to be closed, and
// a file that was taken away is noticed.
func (j *journal) appendLine(r record) error {
	f, err := os.OpenFile(j.file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	var line [96]byte
	_, err = f.Write(r.appendTo(line[:0]))
	j.lines++
	return errors.Join(err, f.Close())
}

// rewrite replaces the file, of mode 0600, with one that has these records. Who
// reads it at the same time sees the old one or the new one.
func (j *journal) rewrite(records []record) error {
	text := appendHeader(nil, j.boot)
	for _, r := range records {
		text = r.appendTo(text)
	}
	err := atomicfile.Write(j.file, text, atomicfile.Options{Mode: 0o600, Unlocked: true, Volatile: true})
	j.failed = err != nil
	if err == nil {
		j.lines = len(records)
	}
	return err
}
