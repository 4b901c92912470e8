package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/devports/devports/allocator/atomicfile"
)

// Repaired is the result of Repair. The zero Repaired means that nothing was
// damaged.
type Repaired struct {
	Damage  error   // a *DamagedError, or the *fs.PathError of a directory in the file's place
	Aside   string  // the path of the unchanged copy of the damaged file
	Read    []Lease // leases that were read from the damaged file
	Older   []Lease // leases that were taken from the version before the last update
	Refused []Lease // leases that were read and dropped: an older lease has the port
	Lost    []Lost  // parts of the file that could not be parsed
}

// Lost is a part of a damaged file that could not be parsed.
type Lost struct {
	Line int    // from 1; 0 if unknown
	Text string // without surrounding white space
}

// Probe checks that the registry can be updated: that it is readable, that the
// lock is available, and that a file of its size can be written beside it. It
// changes no lease. It waits for the lock at most for wait, and otherwise takes
// a few milliseconds. Errors are those of Lease.
func (r Registry) Probe(ctx context.Context, wait time.Duration) error {
	r.wait = wait
	return r.locked(ctx, func(path string) error {
		now, err := load(path, snapshot{})
		if err != nil {
			return err
		}
		next := path + ".new"
		if err := atomicfile.Create(next, encode(now.state), nil); err != nil {
			return err
		}
		return os.Remove(next)
	})
}

// Repair replaces a damaged registry, or a directory in its place, with the
// leases that can be recovered: those that are still readable, and those that
// are missing but in the previous version. If two leases claim a port, the
// older one gets it. Repair keeps the damaged file beside the registry. It
// changes neither a valid registry nor one of a newer version.
//
// Errors are those of Lease, except *DamagedError; after an error the registry
// is unchanged.
func (r Registry) Repair(ctx context.Context) (done Repaired, err error) {
	err = r.locked(ctx, func(path string) (err error) {
		done, err = repair(path)
		return err
	})
	if err != nil {
		return Repaired{}, err
	}
	return done, nil
}

func repair(path string) (Repaired, error) {
	damage, isDir := damageOf(path)
	var damaged *DamagedError
	if !isDir && !errors.As(damage, &damaged) {
		return Repaired{}, damage
	}
	now, lost := salvaged{}, []Lost(nil)
	if !isDir {
		content, err := atomicfile.Read(path)
		if err != nil {
			return Repaired{}, err
		}
		now, lost = salvage(content)
	}
	before := salvaged{}
	if content, err := atomicfile.Read(path + ".bak"); err == nil {
		before, _ = salvage(content)
	}
	done := Repaired{Damage: damage, Lost: lost}
	next := merge(&done, now, before)
	var err error
	if done.Aside, err = setAside(path, isDir); err != nil {
		return Repaired{}, err
	}
	return done, atomicfile.Write(path, encode(next), atomicfile.Options{}) // no backup: the previous version may be the only good one
}

// damageOf returns the reason why the file at path cannot be read, and whether
// it is a directory.
func damageOf(path string) (damage error, isDir bool) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &fs.PathError{Op: "read", Path: path, Err: errors.New("it is a directory")}, true
	}
	_, damage = load(path, snapshot{})
	return damage, false
}

// setAside links or copies the file at path to another name, or renames a
// directory.
func setAside(path string, isDir bool) (string, error) {
	stem := path + ".damaged-" + time.Now().Format("20060102-150405")
	aside := stem
	for i := 2; ; i++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s-%d", stem, i)
	}
	if isDir {
		return aside, os.Rename(path, aside)
	}
	if os.Link(path, aside) == nil {
		return aside, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	content, err := atomicfile.Read(path)
	if err != nil {
		return "", err
	}
	return aside, atomicfile.Create(aside, content, info)
}

// merge merges the current leases with those that only the previous version
// has.
func merge(done *Repaired, now, before salvaged) state {
	slices.SortStableFunc(now, func(a, b claimed) int { return a.entry.Since.Compare(b.entry.Since) })
	var s state
	var taken ports
	for _, c := range now {
		switch l := c.record.lease(c.entry); {
		case s.knows(c):
		case taken.allow(c.entry):
			s, done.Read = s.adopt(c), append(done.Read, l)
			taken.add(c.entry)
		default:
			done.Refused = append(done.Refused, l)
		}
	}
	for _, c := range before {
		if !s.knows(c) && taken.allow(c.entry) {
			s, done.Older = s.adopt(c), append(done.Older, c.record.lease(c.entry))
			taken.add(c.entry)
		}
	}
	return s
}
