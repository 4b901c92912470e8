package lockfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/devports/devports/allocator/process"
)

// HeldError reports that another process, or another goroutine of this one,
// holds a lock.
type HeldError struct {
	Path    string          // the lock file
	PID     int             // the holder; 0 if its note could not be read
	Command string          // its command line, shortened; "" if unknown
	Since   time.Time       // when it took the lock; zero if unknown
	Note    json.RawMessage // the note given to TryAcquire; null or empty if none
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the lock %s is held by another process", e.Path)
	}
	return fmt.Sprintf("the lock %s is held by pid %d (%s) since %s", e.Path, e.PID, e.Command, e.Since.Local().Format(time.DateTime))
}

// The note starts at the second byte of the file: on Windows, LockFileEx makes
// the first one unreadable.
const (
	noteStart  = 1
	noteLimit  = 64 << 10 // bytes read of a note
	commandMax = 200      // bytes kept of a command line
)

type holder struct {
	PID     int             `json:"pid"`
	Command string          `json:"command"`
	Since   time.Time       `json:"since"`
	Note    json.RawMessage `json:"note,omitempty"`
}

// write writes the holder's note. It ignores errors: the lock works on a full
// disk, too.
func (l lock) write(note json.RawMessage) {
	h := holder{os.Getpid(), command(os.Args), time.Now().Truncate(time.Millisecond), note}
	text, err := json.Marshal(h)
	if err != nil {
		return
	}
	_ = l.overwrite(text)
}

// overwrite replaces the note with a single write, and pads it with spaces up
// to the length of the old one. The file never gets shorter, so there is room
// for a note on a disk that has become full.
func (l lock) overwrite(text []byte) error {
	info, err := l.note.Stat()
	if err != nil {
		return err
	}
	blank := max(0, int(info.Size())-noteStart-len(text)-1)
	text = append(append(text, bytes.Repeat([]byte{' '}, blank)...), '\n')
	_, err = l.note.WriteAt(text, noteStart)
	return err
}

// noteReads is how often an invalid note is read again: a reader may see a
// partial write.
const noteReads = 10

// SetNote atomically replaces the note of the lock at path, which this process
// holds.
func SetNote(path string, note any) error {
	encoded, err := json.Marshal(note)
	if err != nil {
		return err
	}
	err = fmt.Errorf("this process does not hold the lock %s", path)
	locks.Range(func(_, value any) bool {
		l := value.(lock)
		if l.path != path {
			return true
		}
		err = l.replace(encoded)
		return false
	})
	return err
}

// replace is write for a lock that is already held.
func (l lock) replace(note json.RawMessage) error {
	now := l.held()
	text, err := json.Marshal(holder{os.Getpid(), command(os.Args), now.Since, note})
	if err != nil {
		return err
	}
	return l.overwrite(text)
}

// clear removes the note. Only the holder may call it.
func (l lock) clear() { _ = l.overwrite(nil) }

// held returns the HeldError with the content of the note.
func (l lock) held() *HeldError {
	var h holder
	for range noteReads {
		text, err := io.ReadAll(io.NewSectionReader(l.note, noteStart, noteLimit))
		if err == nil && json.Unmarshal(text, &h) == nil && h.PID >= 0 {
			break
		}
		h = holder{} // ignore a partial note; a negative PID in a hint to kill it would mean a process group
		if err != nil || len(bytes.TrimSpace(text)) == 0 {
			break
		}
		time.Sleep(time.Millisecond) // a write may be in progress
	}
	return &HeldError{Path: l.path, PID: h.PID, Command: h.Command, Since: h.Since, Note: h.Note}
}

// command returns a command line on one line, shortened.
func command(args []string) string {
	line := strings.Join(strings.Fields(strings.Join(args, " ")), " ")
	if len(line) > commandMax {
		line = line[:commandMax] + "…"
	}
	return strings.ToValidUTF8(line, "")
}

// gone reports whether no process has the PID, if the system reports that.
// os.FindProcess and signal 0 do not suffice on Windows, where an ended process
// can be found as long as another process has a handle.
func gone(pid int) bool {
	_, err := process.Find(pid)
	return errors.Is(err, fs.ErrNotExist)
}
