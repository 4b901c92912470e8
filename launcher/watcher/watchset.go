package watcher

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watchSet is what must be watched for a list of files at a moment.
type watchSet struct {
	// paths are the files and the symbolic links on their paths. Their
	// directories are paths without links: fsnotify uses only one name for a
	// directory, even if several paths lead to it.
	paths []string
	// directories are the directories of paths, or for a missing directory, the
	// nearest existing parent.
	directories []string
}

// newWatchSet returns what must be watched for files with these absolute paths.
// A path may be a pattern, as in [filepath.Match]: files and directories that
// appear and match its parts are changes; those that exist must be listed
// themselves.
func newWatchSet(files []string) (s watchSet) {
	for _, file := range files {
		for _, path := range resolve(file) {
			if slices.Contains(s.paths, path) {
				continue
			}
			s.paths = append(s.paths, path)
			if directory := nearest(filepath.Dir(path)); !slices.Contains(s.directories, directory) {
				s.directories = append(s.directories, directory)
			}
		}
	}
	return s
}

// Count returns the number of directories that are watched for these files.
func Count(files []string) int { return len(newWatchSet(files).directories) }

func (s watchSet) equal(t watchSet) bool {
	return slices.Equal(s.paths, t.paths) && slices.Equal(s.directories, t.directories)
}

// affectedBy reports whether an event may have changed one of the files: it is
// for a file, or for a directory on its path that was created, renamed or
// removed.
func (s watchSet) affectedBy(e event) bool {
	if e.Err != nil && !errors.Is(e.Err, ErrUnseen) {
		return true // events were lost
	}
	if e.Op == fsnotify.Chmod || e.Err != nil {
		return false
	}
	name := filepath.Clean(e.Name) // fsnotify reports //name in the root directory
	directory := strings.TrimSuffix(name, string(filepath.Separator)) + string(filepath.Separator)
	moved := e.Op.Has(fsnotify.Create | fsnotify.Remove | fsnotify.Rename)
	return slices.ContainsFunc(s.paths, func(path string) bool {
		return path == name || moved && (strings.HasPrefix(path, directory) || mayMatch(path, name))
	})
}

// mayMatch reports whether a path is a pattern that name, or a file below name,
// may match. A part that equals that of name is not a pattern: directories may
// be called "[old]".
func mayMatch(pattern, name string) bool {
	const separator = string(filepath.Separator)
	if !strings.ContainsAny(pattern, "*?[") {
		return false
	}
	parts, names := strings.Split(pattern, separator), strings.Split(name, separator)
	if len(names) > len(parts) {
		return false
	}
	for i, n := range names {
		if matches, _ := filepath.Match(parts[i], n); !matches && parts[i] != n {
			return false
		}
	}
	return true
}

// maxLinks limits the number of symbolic links to follow, as in Linux; more are a
// loop.
const maxLinks = 40

// resolve returns the symbolic links on the path of file and, last, its real path,
// even if the file or its directories do not exist.
func resolve(file string) (paths []string) {
	at, rest := split(file)
	for links := 0; len(rest) > 0; {
		path := filepath.Join(at, rest[0])
		rest = rest[1:]
		target, err := os.Readlink(path)
		if err != nil || links == maxLinks {
			at = path
			continue
		}
		links++
		paths = append(paths, path)
		if filepath.IsAbs(target) {
			at = ""
		}
		root, names := split(target)
		at, rest = at+root, append(names, rest...)
	}
	return append(paths, at)
}

// split returns the root of a path, if any, and its other parts.
func split(path string) (root string, names []string) {
	volume := filepath.VolumeName(path)
	names = strings.FieldsFunc(path[len(volume):], func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
	if filepath.IsAbs(path) {
		root = volume + string(filepath.Separator)
	}
	return root, names
}

// nearest returns the directory, or the nearest parent that exists.
func nearest(directory string) string {
	for {
		parent := filepath.Dir(directory)
		if info, err := os.Stat(directory); err == nil && info.IsDir() || directory == parent {
			return directory
		}
		directory = parent
	}
}
