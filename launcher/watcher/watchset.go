package watcher

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watchSet is what has to be watched for a set of files at a moment.
type watchSet struct {
	// paths are the files and the symbolic links on the way to them. None of
	// their folders is reached by a link: fsnotify names a folder in one way
	// only, whichever ways lead to it.
	paths []string
	// folders hold the paths; for a folder that is missing, it is the nearest
	// one above it.
	folders []string
}

// newWatchSet finds out what has to be watched for files with these absolute paths.
func newWatchSet(files []string) (f watchSet) {
	for _, file := range files {
		for _, path := range resolve(file) {
			if slices.Contains(f.paths, path) {
				continue
			}
			f.paths = append(f.paths, path)
			if folder := nearest(filepath.Dir(path)); !slices.Contains(f.folders, folder) {
				f.folders = append(f.folders, folder)
			}
		}
	}
	return f
}

// Count returns how many folders are watched for these files.
func Count(files []string) int { return len(newWatchSet(files).folders) }

func (f watchSet) equal(g watchSet) bool {
	return slices.Equal(f.paths, g.paths) && slices.Equal(f.folders, g.folders)
}

// concerned reports whether an event may have changed one of the files: it is
// about one, or about a folder that has come or gone on the way to one.
func (f watchSet) concerned(e event) bool {
	if e.Err != nil && !errors.Is(e.Err, ErrUnseen) {
		return true // events are lost, and may have been anything
	}
	if e.Op == fsnotify.Chmod || e.Err != nil {
		return false
	}
	name := filepath.Clean(e.Name) // fsnotify has //name in the root folder
	folder := strings.TrimSuffix(name, string(filepath.Separator)) + string(filepath.Separator)
	moved := e.Op.Has(fsnotify.Create | fsnotify.Remove | fsnotify.Rename)
	return slices.ContainsFunc(f.paths, func(path string) bool {
		return path == name || moved && strings.HasPrefix(path, folder)
	})
}

// maxLinks is how many symbolic links are followed, as by Linux; more of them
// are a loop.
const maxLinks = 40

// resolve returns the symbolic links on the way to file and, last, the path
// where it is, or would be if it and folders above it were there.
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

// split returns the root that a path begins with, if any, and its other parts.
func split(path string) (root string, names []string) {
	volume := filepath.VolumeName(path)
	names = strings.FieldsFunc(path[len(volume):], func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
	if filepath.IsAbs(path) {
		root = volume + string(filepath.Separator)
	}
	return root, names
}

// nearest is folder, or the first one above it that is there.
func nearest(folder string) string {
	for {
		above := filepath.Dir(folder)
		if info, err := os.Stat(folder); err == nil && info.IsDir() || folder == above {
			return folder
		}
		folder = above
	}
}
