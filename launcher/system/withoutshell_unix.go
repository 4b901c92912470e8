//go:build unix

package system

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/devports/devports/procfile/shell"
)

// withoutShell returns what dash would exec for a line, with the environment that
// it would pass on. To start dash for that takes longer than to start most
// programs. ok is false where the shell is needed, or where something is unusual:
// the shell then decides. shellEnv is appended to list, in any case.
func withoutShell(line, dir string, env, list []string) (path string, argv, shellEnv []string, ok bool) {
	if !shellIsDash() {
		return "", nil, list, false
	}
	env, ok = dashEnv(dir, env, list)
	if !ok {
		return "", nil, env, false
	}
	argv, ok = shell.Fields(line, func(name string) (string, bool) { return lookup(env, name) })
	if !ok {
		return "", nil, env, false
	}
	if strings.Contains(argv[0], "/") {
		return argv[0], argv, env, true // scripts see the name
	}
	search, _ := lookup(env, "PATH")
	for _, directory := range filepath.SplitList(search) {
		if !filepath.IsAbs(directory) || strings.Contains(directory, "%") { // dash knows directories of functions: /lib%func
			return "", nil, env, false
		}
	}
	path, err := LookPath(argv[0], dir, env)
	return path, argv, env, err == nil
}

// dashEnv is what dash makes of an environment: it sets PWD, and drops variables
// that it could not name. It appends the rest to list. ok is false where dash
// would set more than that.
func dashEnv(dir string, env, list []string) (_ []string, ok bool) {
	pwd, _ := lookup(env, "PWD")
	pwd, err := workingDir(dir, pwd)
	if err != nil {
		return list, false
	}
	list = slices.Grow(list, len(env)+2) // one more for the mark
	kept := keptEntries.Get().(*[]string)
	defer keptEntries.Put(kept)
	*kept = slices.Grow(*kept, max(0, len(env)-len(*kept)))
	*kept = (*kept)[:len(env)]
	for i, entry := range env {
		if entry != "" && entry == (*kept)[i] {
			list = append(list, entry)
			continue
		}
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "IFS", "LINENO", "OPTIND", "PPID":
			return list, false
		case "PWD":
		default:
			if shell.IsVariable(name) {
				list, (*kept)[i] = append(list, entry), entry
			}
		}
	}
	return append(list, "PWD="+pwd), true
}

// keptEntries holds lists of entries that dash has kept: at the same places in the
// next environment, most are the same strings, and comparing those takes less time
// than checking their names.
var keptEntries = sync.Pool{New: func() any { return &[]string{} }}

// workingDir is the name of a directory: pwd, if that is one of it, else the one
// without symlinks.
func workingDir(dir, pwd string) (string, error) {
	if dir == "" {
		dir = "."
	}
	here, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if filepath.IsAbs(pwd) {
		if there, err := os.Stat(pwd); err == nil && os.SameFile(here, there) {
			return pwd, nil
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// lookup finds a variable in a list of NAME=value.
func lookup(env []string, name string) (value string, set bool) {
	for _, entry := range slices.Backward(env) {
		if rest, ok := strings.CutPrefix(entry, name); ok && strings.HasPrefix(rest, "=") {
			return rest[1:], true
		}
	}
	return "", false
}
