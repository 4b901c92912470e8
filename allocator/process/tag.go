package process

import (
	"crypto/sha256"
	"encoding/binary"
)

// Tag names the run, and the service of it, that a process belongs to. A
// process inherits it from its parent, through fork, exec and setsid, whatever
// it does to its environment, until it is given another. The zero Tag is none.
//
// Only Linux has tags: see the system's file.
type Tag uint64

const (
	tagged      Tag = 1 << 62 // every Tag has this bit, and not the one above it
	serviceBits     = 24
	serviceMask Tag = 1<<serviceBits - 1

	// The services that are none: the launcher, with what it starts before that
	// has a tag of its own, and the watchdog.
	launcherService Tag = 0
	watchdogService Tag = 1
	firstService    Tag = 16
)

// Released is the tag of processes that belong to no run, though one started
// them.
const Released = tagged | (tagged - 1)

// RunTag is the tag of a launcher. The run is named by a string that no other
// run has.
func RunTag(run string) Tag {
	sum := sha256.Sum256([]byte(run))
	tag := tagged | Tag(binary.LittleEndian.Uint64(sum[:]))&(tagged-1)&^serviceMask
	if tag.SameRun(Released) {
		tag ^= 1 << serviceBits
	}
	return tag
}

// Service is the tag of what belongs to a service of t's run.
func (t Tag) Service(name string) Tag {
	sum := sha256.Sum256([]byte(name))
	service := Tag(binary.LittleEndian.Uint64(sum[:])) & serviceMask
	return t&^serviceMask | max(service, firstService)
}

// Watchdog is the tag of the watchdog of t's run.
func (t Tag) Watchdog() Tag { return t&^serviceMask | watchdogService }

// HasService is false for the tags of a launcher and of a watchdog.
func (t Tag) HasService() bool { return t != 0 && t&serviceMask >= firstService }

// SameRun reports whether two tags are of one run.
func (t Tag) SameRun(other Tag) bool { return t&^serviceMask == other&^serviceMask }
