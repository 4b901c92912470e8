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

// Repaired is what Repair has made of a damaged registry. The zero Repaired says that nothing was wrong.
type Repaired struct {
	Damage  error   // what was wrong: a *DamagedError, or the *fs.PathError of a folder in the file's place
	Aside   string  // the path where what was there is kept, as it was
	Read    []Lease // what could still be read, and is now in the registry
	Older   []Lease // what was missing and came from the version before the last update
	Refused []Lease // what could be read, but not kept: an older lease has the port
	Lost    []Lost  // what could not be understood
}

// Lost is a part of a damaged file that could not be understood.
type Lost struct {
	Line int    // from 1; 0 where it is unknown
	Text string // without the white space around it
}

// Probe makes sure that the registry could be updated: that it can be read, the lock be had, and a file of its size written beside
// it. It changes no lease. It waits for the lock at most for wait, and is done in a few milliseconds else. Errors are those of
// Lease.
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

// Repair replaces a registry that Leases calls damaged, or a folder in its place, by what can be made out: the leases that it
// still shows, and of the version before those that are missing now. Of two leases that claim one port the older one has it. What
// is replaced is kept beside it. A registry that is in order is left alone, and so is one of a newer version.
//
// Errors are those of Lease, but for the *DamagedError; after one the registry is as it was.
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
	damage, folder := damageOf(path)
	var damaged *DamagedError
	if !folder && !errors.As(damage, &damaged) {
		return Repaired{}, damage
	}
	now, lost := salvaged{}, []Lost(nil)
	if !folder {
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
	if done.Aside, err = setAside(path, folder); err != nil {
		return Repaired{}, err
	}
	return done, atomicfile.Write(path, encode(next), atomicfile.Options{}) // the version before may be the only good one
}

// damageOf is why the file at path cannot be read, and whether that is because it is a folder.
func damageOf(path string) (damage error, folder bool) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &fs.PathError{Op: "read", Path: path, Err: errors.New("it is a folder")}, true
	}
	_, damage = load(path, snapshot{})
	return damage, false
}

// setAside gives what is at path a second name, or a folder, which can have only one, another name.
func setAside(path string, folder bool) (string, error) {
	stem := path + ".damaged-" + time.Now().Format("20060102-150405")
	aside := stem
	for i := 2; ; i++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s-%d", stem, i)
	}
	if folder {
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

// merge makes one state of both: what is there now, and of what was before whatever is missing.
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
