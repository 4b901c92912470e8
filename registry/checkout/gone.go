package checkout

import (
	"os"
	"path/filepath"
	"strings"
)

// IsGone reports whether a directory is no more. One that cannot be looked at is
// not gone, nor one on a volume that is not there now.
func IsGone(dir string) bool {
	info, err := os.Stat(dir)
	if err == nil {
		return !info.IsDir()
	}
	return missing(err) && !unmounted(dir, mountPlaces)
}

// mountPlaces are the folders for volumes that come and go, with how many levels
// below them the volumes are mounted.
var mountPlaces = map[string]int{"/Volumes": 1, "/media": 2, "/mnt": 1, "/run/media": 2}

// unmounted reports whether dir, which is absolute, is on a volume that is not
// there now: a Windows drive or share that is missing, or a mount point in one of
// places that is missing or empty.
func unmounted(dir string, places map[string]int) bool {
	if volume := filepath.VolumeName(dir); volume != "" {
		_, err := os.Stat(volume + `\`)
		return err != nil
	}
	for place, depth := range places {
		below, ok := strings.CutPrefix(dir, place+"/")
		if names := strings.Split(below, "/"); ok && len(names) > depth {
			return vacant(place + "/" + strings.Join(names[:depth], "/"))
		}
	}
	return false
}

// vacant reports whether a folder is missing or empty.
func vacant(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return missing(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(1)
	return err != nil && len(names) == 0 // io.EOF, or it is no folder
}
