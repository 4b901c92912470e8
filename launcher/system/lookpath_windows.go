package system

import (
	"os/exec"
	"path/filepath"
	"strings"
)

// LookPath finds a program for another directory ("" is the current one). If
// there is none, the error wraps exec.ErrNotFound or fs.ErrNotExist.
func LookPath(file, dir string, _ []string) (string, error) {
	if strings.ContainsAny(file, `\/`) && !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return exec.LookPath(file)
}
