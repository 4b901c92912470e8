package process

import (
	"crypto/sha256"
	"encoding/binary"
)

// Tag identifies the run, and its service, to which a process belongs. A
// process inherits it from its parent, through fork, exec and setsid, and
// independently of its environment, until it gets another. The zero Tag is
// none.
//
// Only Linux has tags: see tag_linux.go.
type Tag uint64

const (
	tagged      Tag = 1 << 62 // set in every Tag, unlike the bit above it
	serviceBits     = 24
	serviceMask Tag = 1<<serviceBits - 1

	// The launcher and the watchdog are not services.
	launcherService Tag = 0
	watchdogService Tag = 1
	firstService    Tag = 16
)

// Outside is the tag of processes that a run has started but that do not belong
// to it.
const Outside = tagged | (tagged - 1)

// RunTag returns the tag of a launcher. run is a string that is unique for the
// run.
func RunTag(run string) Tag {
	sum := sha256.Sum256([]byte(run))
	tag := tagged | Tag(binary.LittleEndian.Uint64(sum[:]))&(tagged-1)&^serviceMask
	if tag.SameRun(Outside) {
		tag ^= 1 << serviceBits
	}
	return tag
}

// Service returns the tag of the processes of a service in t's run.
func (t Tag) Service(name string) Tag {
	sum := sha256.Sum256([]byte(name))
	service := Tag(binary.LittleEndian.Uint64(sum[:])) & serviceMask
	return t&^serviceMask | max(service, firstService)
}

// Watchdog returns the tag of the watchdog of t's run.
func (t Tag) Watchdog() Tag { return t&^serviceMask | watchdogService }

// HasService reports whether the tag is that of a service, not of a launcher or
// watchdog.
func (t Tag) HasService() bool { return t != 0 && t&serviceMask >= firstService }

// SameRun reports whether two tags belong to the same run.
func (t Tag) SameRun(other Tag) bool { return t&^serviceMask == other&^serviceMask }
