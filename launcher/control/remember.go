package control

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/devports/devports/allocator/atomicfile"
)

const rememberExtension = ".last"

// Remember stores what is needed to restart the run of a slot after the machine
// or the run was killed, that is, ended without [Slot.Forget].
func (s Slot) Remember(run []byte) error {
	return atomicfile.Write(s.file(rememberExtension), run, atomicfile.Options{Mode: 0o600, Unlocked: true})
}

// Recall returns what Remember stored; nil for nothing.
func (s Slot) Recall() ([]byte, error) {
	run, err := os.ReadFile(s.file(rememberExtension))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return run, err
}

// Forget deletes what Remember stored.
func (s Slot) Forget() error {
	if err := os.Remove(s.file(rememberExtension)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Remembered returns the slots for which Remember stored something.
func (r Runs) Remembered() (slots []Slot) {
	names, _ := fs.Glob(os.DirFS(r.path), "*"+rememberExtension) // the pattern is valid
	for _, name := range names {
		name = strings.TrimSuffix(name, rememberExtension)
		if !strings.HasPrefix(name, ".") { // a temporary file of atomicfile
			slots = append(slots, Slot{r, name})
		}
	}
	return slots
}
