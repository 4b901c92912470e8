//go:build unix

package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// LookPath finds a program like execvp would in another environment and
// directory ("" is the current one). It also finds this program by its path
// after that was removed. If there is none, the error wraps
// exec.ErrNotFound or fs.ErrNotExist.
func LookPath(file, dir string, env []string) (string, error) {
	if strings.Contains(file, "/") {
		if !filepath.IsAbs(file) {
			var err error
			if file, err = filepath.Abs(filepath.Join(dir, file)); err != nil {
				return "", err
			}
		}
		return lookFile(file)
	}
	path := ""
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	var denied error
	for _, directory := range filepath.SplitList(path) {
		if !filepath.IsAbs(directory) {
			directory = filepath.Join(dir, directory)
		}
		found, err := exec.LookPath(filepath.Join(directory, file))
		if err == nil {
			return found, nil
		}
		if os.IsPermission(err) {
			denied = err
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", &exec.Error{Name: file, Err: exec.ErrNotFound}
}
