package checkout

import (
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Place is where a folder was when it was last seen: it tells a folder that is
// gone from one that cannot be seen from here. The zero Place says nothing.
type Place struct {
	machine string // see machine
	volume  string // the file system that holds the folder
	parent  string // a hash of the FileID of the folder that it is in
}

// PlaceOf is the Place of a folder that is there.
func PlaceOf(dir string) Place {
	return Place{machine(), volumeOf(FileID(dir)), hash(FileID(filepath.Dir(dir)))}
}

// String writes a Place for [ParsePlace]; "" is the zero Place.
func (p Place) String() string {
	if p == (Place{}) {
		return ""
	}
	return p.machine + " " + p.volume + " " + p.parent
}

// ParsePlace reads what String writes. Anything else is the zero Place.
func ParsePlace(s string) Place {
	parts := strings.Split(s, " ")
	if len(parts) != 3 {
		return Place{}
	}
	return Place{parts[0], parts[1], parts[2]}
}

// IsHere reports whether the Place is one of this machine, container or chroot. The
// zero Place is taken for one.
func (p Place) IsHere() bool { return p == (Place{}) || p.machine == machine() }

// IsGone reports whether a directory that was at p is no more. One that cannot be
// looked at is not gone, nor one on a volume that is not there now, nor one that
// only another machine or container sees.
//
// What is certain is that it is gone from the very folder that it was in. Where
// that is gone, too, the next one above has to be of the same machine, and on the
// file system that the directory was on.
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

// IsGone is [Place.IsGone] for a directory of which no Place is known.
func IsGone(dir string) bool { return Place{}.IsGone(dir) }

// IsMissing reports whether a path is not there, as far as can be seen from here.
func IsMissing(path string) bool {
	_, err := os.Stat(path)
	return err != nil && missing(err)
}

// hash shortens what is only compared.
func hash(text string) string {
	h := fnv.New64a()
	h.Write([]byte(text))
	return strconv.FormatUint(h.Sum64(), 36)
}

// volumeOf is the part of a FileID that identifies the file system.
func volumeOf(id string) string {
	volume, _, _ := strings.Cut(id, ".")
	return volume
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
