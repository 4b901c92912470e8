package registry

import (
	"errors"
	"path/filepath"
	"runtime"

	"github.com/devports/devports/allocator/envvar"
)

// ErrNoHome is returned where no variable says where the user's files are.
var ErrNoHome = errors.New("no home directory is known: set " + envvar.Home)

// Home is the folder, as an absolute path, that holds devports' state: $DEVPORTS_HOME, else devports in $XDG_STATE_HOME, else
// ~/.local/state/devports, on Windows %LocalAppData%\devports. A relative XDG_STATE_HOME is ignored, as its specification demands.
// The folder need not exist. The error is ErrNoHome, or that of os.Getwd where DEVPORTS_HOME is relative.
func Home(getenv func(string) string) (string, error) {
	if dir := getenv(envvar.Home); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "devports"), nil
	}
	if runtime.GOOS == "windows" {
		if dir := getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, "devports"), nil
		}
		return "", ErrNoHome
	}
	if dir := getenv("HOME"); dir != "" {
		return filepath.Abs(filepath.Join(dir, ".local", "state", "devports"))
	}
	return "", ErrNoHome
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
