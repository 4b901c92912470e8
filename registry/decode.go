package registry

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
)

// version is the format that this package writes. It reads older ones, too, and
// adds what they lack with the next lease of a checkout.
const version = 2

// byteOrderMark is written by some editors before UTF-8. It is not damage; the
// next update removes it.
var byteOrderMark = []byte("\ufeff")

// decode parses the content of a registry. The error is a *DamagedError or a
// *NewerError, without the path.
func decode(content []byte) (state, error) {
	content = bytes.TrimPrefix(content, byteOrderMark)
	r := reader{text: string(content)}
	if at := text.InvalidUTF8(r.text); at >= 0 {
		r.fail(at, "the file is not valid UTF-8")
	}
	s := r.document()
	if r.err == nil {
		return s, nil
	}
	// A newer format still has this key.
	var later struct{ Version int }
	if json.Unmarshal(content, &later) == nil && later.Version > version {
		return state{}, &NewerError{Version: later.Version}
	}
	return state{}, r.err
}

// document reads the whole file.
func (r *reader) document() (s state) {
	found := 0
	taken := newPorts()
	// One allocation for all leases. A wrong estimate costs only more
	// allocations.
	room := make([]entry, 0, strings.Count(r.text, "{"))
	for key := range r.object() {
		switch key {
		case "version":
			r.next()
			start := r.at
			if found = r.integer(); found < 1 || found > version {
				r.fail(start, "unsupported version %d", found)
			}
		case "scopes":
			s.records = make([]record, 0, 1+strings.Count(r.text, `"directory"`))
			for range r.list('[', ']') {
				r.next()
				start, rec, first := r.at, r.record(taken, room), false
				room = room[min(len(rec.leases), cap(room)):cap(room)][:0]
				if s.records, first = insert(s.records, rec, record.compare); !first {
					r.fail(start, "duplicate scope %v", rec.Scope)
				}
			}
		default:
			r.fail(r.at, "unknown key %q", key)
		}
	}
	if r.next() != 0 || r.at < len(r.text) {
		r.unexpected("the end of the file")
	}
	if found == 0 {
		r.fail(r.at, "missing version")
	}
	return s
}

// record reads one scope with its leases. taken has the ports of the leases so
// far; room is empty capacity for leases.
func (r *reader) record(taken *ports, room []entry) (rec record) {
	r.next()
	start := r.at
	rec.leases = room
	for key := range r.object() {
		switch key {
		case "directory":
			rec.Directory = r.string()
		case "project":
			rec.Project = r.string()
		case "worktree":
			rec.Worktree = r.string()
		case "override":
			rec.override = r.boolean()
		case "declared":
			rec.declared = r.string()
		case "requested":
			rec.requested = r.string()
		case "repository":
			rec.seen.repository = r.string()
		case "path":
			rec.seen.path = r.string()
		case "remote":
			rec.seen.remote = r.string()
		case "id":
			rec.seen.id = r.string()
		case "place":
			rec.seen.place = r.string()
		case "leases":
			for range r.list('[', ']') {
				r.next()
				start, e, first := r.at, r.entry(taken), false
				if rec.leases, first = insert(rec.leases, e, entry.compare); !first {
					r.fail(start, "%s has two leases in the same scope", e.Name)
				}
			}
		default:
			r.fail(r.at, "unknown key %q", key)
		}
	}
	switch {
	case rec.UserWide() && !rec.sameHeader(record{}) || rec.override && rec.Worktree == "" || rec.requested != "" && !rec.override:
		r.fail(start, "a scope has no directory or worktree")
	case !rec.UserWide() && rec.Project == "":
		r.fail(start, "a scope has no project")
	case len(rec.leases) == 0:
		r.fail(start, "a scope has no leases")
	}
	rec.seen.repository = resolveIn(rec.Directory, rec.seen.repository)
	rec.leases = slices.Clip(rec.leases)
	return rec
}

// entry reads one lease, and adds its port to taken.
func (r *reader) entry(taken *ports) (e entry) {
	r.next()
	start := r.at
	for key := range r.object() {
		switch key {
		case "name":
			e.Name = r.name()
		case "port":
			e.Port = r.port()
		case "pinned":
			e.Pinned = r.boolean()
		case "undeclared":
			e.undeclared = r.boolean()
		case "since":
			e.Since = r.time()
		default:
			r.fail(r.at, "unknown key %q", key)
		}
	}
	switch {
	case r.err != nil:
		return entry{}
	case e.Name == allocator.PortName{} || e.Port == 0 || e.Since.IsZero():
		r.fail(start, "a lease has no name, port or time")
		return entry{}
	case !taken.allow(e):
		r.fail(start, "port %d has two leases, and not all of them are pinned", e.Port)
	}
	taken.add(e)
	return e
}

func (r *reader) name() allocator.PortName {
	r.next()
	start := r.at
	n, err := ParseName(r.string())
	if err != nil {
		r.fail(start, "%w", err)
	}
	return n
}

func (r *reader) port() int {
	r.next()
	start := r.at
	port := r.integer()
	if !validPort(port) {
		r.fail(start, "%d is not a port", port)
		return 0
	}
	return port
}

func (r *reader) time() time.Time {
	r.next()
	start := r.at
	t, err := time.Parse(time.RFC3339, r.string())
	t = time.Unix(t.Unix(), 0).UTC()
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		r.fail(start, "invalid time: expected the form 2006-01-02T15:04:05Z")
	}
	return t
}

// insert adds e to a sorted list, since the file need not be sorted. It reports
// whether e is new.
func insert[E any](list []E, e E, compare func(E, E) int) ([]E, bool) {
	if len(list) == 0 || compare(list[len(list)-1], e) < 0 {
		return append(list, e), true
	}
	i, found := slices.BinarySearchFunc(list, e, compare)
	return slices.Insert(list, i, e), !found
}
