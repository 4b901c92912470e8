package control

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/devports/devports/allocator/atomicfile"
)

const rememberExtension = ".last"

// Remember keeps what is needed to start the run of a slot again once it has gone
// without [Slot.Forget]: with the machine, or killed.
func (s Slot) Remember(run []byte) error {
	return atomicfile.Write(s.file(rememberExtension), run, atomicfile.Options{Mode: 0o600, Unlocked: true})
}

// Recall returns what is kept, nil for nothing.
func (s Slot) Recall() ([]byte, error) {
	run, err := os.ReadFile(s.file(rememberExtension))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return run, err
}

// Forget removes what is kept.
func (s Slot) Forget() error {
	if err := os.Remove(s.file(rememberExtension)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Remembered returns the slots for which something is kept.
func (f Folder) Remembered() (slots []Slot) {
	paths, _ := filepath.Glob(filepath.Join(f.path, "*"+rememberExtension)) // the pattern is fine
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), rememberExtension)
		if !strings.HasPrefix(name, ".") { // one on its way
			slots = append(slots, Slot{f, name})
		}
	}
	return slots
}
