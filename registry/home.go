package registry

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/devports/devports/allocator/envvar"
)

// ErrNoHome reports that no variable contains the user's home directory.
var ErrNoHome = errors.New("no home directory: set " + envvar.Home)

// RelativeHomeError reports that the variable for the user's files contains a
// relative path: every working directory would have its own files.
type RelativeHomeError struct{ Variable, Path string }

func (e *RelativeHomeError) Error() string {
	return fmt.Sprintf("%s must be an absolute path, not %q", e.Variable, e.Path)
}

// Home returns the absolute path of the directory for devports' state:
// $DEVPORTS_HOME, else devports in $XDG_STATE_HOME, else
// ~/.local/state/devports, on Windows %LocalAppData%\devports. It ignores a
// relative XDG_STATE_HOME, as the specification requires. The directory need
// not exist. The error is ErrNoHome or a *RelativeHomeError.
func Home(getenv func(string) string) (string, error) {
	if getenv(envvar.Home) != "" {
		return homeIn(envvar.Home, getenv)
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "devports"), nil
	}
	if runtime.GOOS == "windows" {
		return homeIn("LocalAppData", getenv, "devports")
	}
	return homeIn("HOME", getenv, ".local", "state", "devports")
}

// homeIn returns a directory below the one in a variable.
func homeIn(variable string, getenv func(string) string, below ...string) (string, error) {
	dir := getenv(variable)
	switch {
	case dir == "":
		return "", ErrNoHome
	case !filepath.IsAbs(dir):
		return "", &RelativeHomeError{variable, dir}
	}
	return filepath.Join(append([]string{dir}, below...)...), nil
}

// Path returns the absolute path of the registry's file: $DEVPORTS_REGISTRY,
// else registry.json in Home.
func Path(getenv func(string) string) (string, error) {
	if path := getenv(envvar.Registry); path != "" {
		return filepath.Abs(path)
	}
	home, err := Home(getenv)
	if err != nil {
		return "", err
	}
	return filepath.Join(home, "registry.json"), nil
}
