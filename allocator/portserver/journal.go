package portserver

import (
	"errors"
	"os"

	"github.com/devports/devports/allocator/atomicfile"
)

// journal writes the state file: it appends a line for each assignment, and
// rewrites the file when it has many more lines than there are ports. It does
// not sync, as the owners do not survive a power failure either. The Server's
// mutex guards it. The zero value writes nothing.
type journal struct {
	file, boot string
	lines      int // in the file
	maxLines   int // lines before the file is rewritten
	failed     bool
}

// linesPerPort is the maximum number of lines in the file for each port of the
// pool.
const linesPerPort = 4

// add records r, which is one of the records that all returns. After a failure,
// the file is unchanged, except for a partial line at its end; each later call
// then tries to rewrite it with all records.
func (j *journal) add(r record, all func() []record) error {
	if j.file == "" {
		return nil
	}
	if j.failed || j.lines >= j.maxLines {
		return j.rewrite(all())
	}
	err := j.appendLine(r)
	j.failed = err != nil
	return err
}

// appendLine opens the file each time: so none has to be closed, and a removed
// file is noticed.
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

// rewrite atomically replaces the file, of mode 0600, with one that has these
// records.
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
