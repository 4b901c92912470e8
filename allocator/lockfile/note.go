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

// HeldError says that another process, or another goroutine of this one, holds a lock.
type HeldError struct {
	Path    string          // the lock file
	PID     int             // the holder; 0 where its note could not be read
	Command string          // its command line, shortened; "" where unknown
	Since   time.Time       // when it took the lock; zero where unknown
	Note    json.RawMessage // what it gave TryAcquire; null or empty if nothing
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the lock %s is held by another process", e.Path)
	}
	return fmt.Sprintf("the lock %s is held by pid %d (%s) since %s", e.Path, e.PID, e.Command, e.Since.Local().Format(time.DateTime))
}

// The note starts at the second byte of the file: Windows lets nobody read the first one, which LockFileEx locks.
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

// write leaves the holder's note. Errors are ignored: on a full disk the lock still locks.
func (l lock) write(note json.RawMessage) {
	h := holder{os.Getpid(), command(os.Args), time.Now().Truncate(time.Millisecond), note}
	text, err := json.Marshal(h)
	if err != nil {
		return
	}
	_ = l.overwrite(text)
}

// overwrite writes over the note in one piece, and over what a longer one has beyond that. The file never gets shorter: so there
// is room for a note on a disk that has become full since.
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

// noteReads is how often a note that makes no sense is read: systems may show a
// reader a part of what is being written.
const noteReads = 10

// SetNote replaces the note of the lock at path, which this process holds. A
// reader sees the old note or the new one.
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

// replace is write for one that has held the lock before.
func (l lock) replace(note json.RawMessage) error {
	now := l.held()
	text, err := json.Marshal(holder{os.Getpid(), command(os.Args), now.Since, note})
	if err != nil {
		return err
	}
	return l.overwrite(text)
}

// clear takes the note away. Only the holder may call it.
func (l lock) clear() { _ = l.overwrite(nil) }

// held is the error that names who holds the lock, as far as the note tells.
func (l lock) held() *HeldError {
	var h holder
	for range noteReads {
		text, err := io.ReadAll(io.NewSectionReader(l.note, noteStart, noteLimit))
		if err == nil && json.Unmarshal(text, &h) == nil && h.PID >= 0 {
			break
		}
		h = holder{} // half a note is none; a negative PID, in a hint to kill it, would stand for many processes
		if err != nil || len(bytes.TrimSpace(text)) == 0 {
			break
		}
		time.Sleep(time.Millisecond) // it may just be being written
	}
	return &HeldError{Path: l.path, PID: h.PID, Command: h.Command, Since: h.Since, Note: h.Note}
}

// command is a command line on one line, cut where it gets long.
func command(args []string) string {
	line := strings.Join(strings.Fields(strings.Join(args, " ")), " ")
	if len(line) > commandMax {
		line = line[:commandMax] + "…"
	}
	return strings.ToValidUTF8(line, "")
}

// gone reports whether no process has that PID any more, where the system tells.
// os.FindProcess and signal 0 would not do on Windows, where a process that has
// ended can be found for as long as another has a handle.
func gone(pid int) bool {
	_, err := process.Find(pid)
	return errors.Is(err, fs.ErrNotExist)
}
