package registry

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/devports/devports/allocator/envvar"
)

// ErrNoHome is returned where no variable says where the user's files are.
var ErrNoHome = errors.New("no home directory is known: set " + envvar.Home)

// RelativeHomeError says that the variable that decides where the user's files
// are holds a relative path: every working directory would have files of its own.
type RelativeHomeError struct{ Variable, Path string }

func (e *RelativeHomeError) Error() string {
	return fmt.Sprintf("%s is %q, which is not an absolute path", e.Variable, e.Path)
}

// Home is the folder, as an absolute path, that holds devports' state: $DEVPORTS_HOME, else devports in $XDG_STATE_HOME, else
// ~/.local/state/devports, on Windows %LocalAppData%\devports. A relative XDG_STATE_HOME is ignored, as its specification demands.
// The folder need not exist. The error is ErrNoHome or a *RelativeHomeError.
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

// homeIn is a folder below the one that a variable names.
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

// Path is the registry's file, as an absolute path: $DEVPORTS_REGISTRY, else registry.json in Home.
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
