//go:build unix

package system

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// lookFile is exec.LookPath for a path. If that is the file of this program,
// and was removed, for example by an upgrade, it returns another path of the
// program: on Linux that of the running one, else its successor on PATH.
func lookFile(file string) (string, error) {
	found, err := exec.LookPath(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	if own, unknown := os.Executable(); unknown != nil || own != file {
		return found, err
	}
	if running, unknown := executablePath(); unknown == nil && running != file {
		return running, nil
	}
	if successor, missing := exec.LookPath(filepath.Base(file)); missing == nil {
		return successor, nil
	}
	return found, err
}
