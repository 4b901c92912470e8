package checkout

import (
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Place is the last known location of a directory. It distinguishes a directory
// that is gone from one that is not visible from here. The zero Place is
// unknown.
type Place struct {
	machine string // see machine
	volume  string // the file system of the directory
	parent  string // a hash of the FileID of the parent directory
}

// PlaceOf returns the Place of an existing directory.
func PlaceOf(dir string) Place {
	return Place{machine(), volumeOf(FileID(dir)), hash(FileID(filepath.Dir(dir)))}
}

// String formats a Place for [ParsePlace]; "" is the zero Place.
func (p Place) String() string {
	if p == (Place{}) {
		return ""
	}
	return p.machine + " " + p.volume + " " + p.parent
}

// ParsePlace parses the result of String. Anything else is the zero Place.
func ParsePlace(s string) Place {
	parts := strings.Split(s, " ")
	if len(parts) != 3 {
		return Place{}
	}
	return Place{parts[0], parts[1], parts[2]}
}

// IsHere reports whether the Place is on this machine, container or chroot. The
// zero Place counts as such.
func (p Place) IsHere() bool { return p == (Place{}) || p.machine == machine() }

// IsGone reports whether a directory that was at p no longer exists. A
// directory is not gone if it cannot be accessed, if its volume is not mounted,
// or if only another machine or container sees it.
//
// If the parent directory is the recorded one, the directory is certainly gone.
// If the parent is gone, too, the nearest existing ancestor has to be on the
// same machine and on the directory's file system.
func (p Place) IsGone(dir string) bool {
	info, err := os.Stat(dir)
	if err == nil {
		return !info.IsDir()
	}
	if !missing(err) || unmounted(dir, mountPlaces) {
		return false
	}
	if p == (Place{}) {
		return true
	}
	above := filepath.Dir(dir)
	id := FileID(above)
	if volumeOf(id) != p.volume && id != "" {
		return false
	}
	if id != "" && hash(id) == p.parent {
		return true
	}
	for id == "" && above != filepath.Dir(above) {
		above = filepath.Dir(above)
		id = FileID(above)
	}
	return p.machine == machine() && volumeOf(id) == p.volume
}

// IsGone is [Place.IsGone] for a directory whose Place is unknown.
func IsGone(dir string) bool { return Place{}.IsGone(dir) }

// IsMissing reports whether a path does not exist, as seen from here.
func IsMissing(path string) bool {
	_, err := os.Stat(path)
	return err != nil && missing(err)
}

// hash shortens a text that is only compared.
func hash(text string) string {
	h := fnv.New64a()
	h.Write([]byte(text))
	return strconv.FormatUint(h.Sum64(), 36)
}

// volumeOf returns the part of a FileID that identifies the file system.
func volumeOf(id string) string {
	volume, _, _ := strings.Cut(id, ".")
	return volume
}

// mountPlaces are the directories for removable volumes, with the depth below
// them at which the volumes are mounted.
var mountPlaces = map[string]int{"/Volumes": 1, "/media": 2, "/mnt": 1, "/run/media": 2}

// unmounted reports whether dir, an absolute path, is on a volume that is not
// mounted: a missing Windows drive or share, or a missing or empty mount point
// in one of places.
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

// vacant reports whether a directory is missing or empty.
func vacant(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return missing(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(1)
	return err != nil && len(names) == 0 // io.EOF, or it is not a directory
}
