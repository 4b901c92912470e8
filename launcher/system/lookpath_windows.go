package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// LookPath finds a program in another environment, as cmd.exe would from
// another directory ("" is the current one), except that it does not run
// programs of that directory by their bare name. If there is none, the error
// wraps exec.ErrNotFound or fs.ErrNotExist.
func LookPath(file, dir string, env []string) (string, error) {
	extensions := filepath.SplitList(variable(env, "PATHEXT"))
	if len(extensions) == 0 {
		extensions = []string{".com", ".exe", ".bat", ".cmd"}
	}
	if strings.ContainsAny(file, `\/:`) {
		path, err := filepath.Abs(in(dir, file))
		if err != nil {
			return "", err
		}
		if found, ok := withExtension(path, extensions); ok {
			return found, nil
		}
		return "", &os.PathError{Op: "exec", Path: file, Err: os.ErrNotExist}
	}
	for _, directory := range filepath.SplitList(variable(env, "PATH")) {
		if directory == "" {
			continue
		}
		if found, ok := withExtension(filepath.Join(in(dir, directory), file), extensions); ok {
			return found, nil
		}
	}
	return "", &exec.Error{Name: file, Err: exec.ErrNotFound}
}

func in(dir, path string) string {
	if filepath.IsAbs(path) || filepath.VolumeName(path) != "" {
		return path
	}
	return filepath.Join(dir, path)
}

// withExtension returns the file that runs as path: path itself if it has an
// extension, or path with one of the extensions.
func withExtension(path string, extensions []string) (string, bool) {
	if filepath.Ext(path) != "" && isFile(path) {
		return path, true
	}
	for _, extension := range extensions {
		if isFile(path + extension) {
			return path + extension, true
		}
	}
	return "", false
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// variable returns the last value of a variable, whose case does not matter.
func variable(env []string, name string) (value string) {
	for _, entry := range env {
		if n, v, _ := strings.Cut(entry, "="); strings.EqualFold(n, name) {
			value = v
		}
	}
	return value
}
