package registry

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// salvaged are the leases that are readable in a damaged file.
type salvaged []claimed

// claimed is a lease in a damaged file: valid on its own, but another lease may
// have its port or name, too.
type claimed struct {
	record record // without leases
	entry  entry
}

// salvage reads as much as possible of a registry's content: the valid values,
// if it is JSON; otherwise the lines that have the form of encode's.
func salvage(content []byte) (salvaged, []Lost) {
	content = bytes.TrimPrefix(content, byteOrderMark)
	if json.Valid(content) {
		return salvageJSON(content)
	}
	return salvageLines(string(content))
}

// header and lease are the file's objects, for lenient decoding.
type header struct {
	Directory, Project, Worktree, Declared, Requested string
	Repository, Path, Remote, ID, Place               string
	Override                                          bool
}

type lease struct {
	Name          string
	Port          int
	Pinned, Since json.RawMessage // of any type
	Undeclared    json.RawMessage
}

func salvageJSON(content []byte) (found salvaged, lost []Lost) {
	var doc struct{ Scopes []json.RawMessage }
	if json.Unmarshal(content, &doc) != nil {
		return nil, []Lost{{Text: shorten(string(content))}}
	}
	for _, scope := range doc.Scopes {
		var h header
		var list struct{ Leases []json.RawMessage }
		rec, ok := record{}, json.Unmarshal(scope, &h) == nil && json.Unmarshal(scope, &list) == nil
		if ok {
			rec, ok = h.record()
		}
		if !ok {
			lost = append(lost, Lost{Text: shorten(string(scope))})
			continue
		}
		for _, text := range list.Leases {
			if e, ok := salvageEntry(text); ok {
				found = append(found, claimed{rec, e})
			} else {
				lost = append(lost, Lost{Text: shorten(string(text))})
			}
		}
	}
	return found, lost
}

// salvageLines relies on the layout of encode: a line for each scope, followed
// by one for each of its leases. A lease whose scope is unknown is lost.
func salvageLines(content string) (found salvaged, lost []Lost) {
	var rec record
	known := false // whether rec is the scope of the following leases
	number := 0
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimSpace(line)
		text := strings.TrimSuffix(line, ",")
		if start, opens := strings.CutSuffix(text, `"leases": [`); opens {
			var h header
			known = json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimSpace(start), ",")+"}"), &h) == nil
			if known {
				rec, known = h.record()
			}
			if known {
				continue
			}
		} else if e, ok := salvageEntry([]byte(text)); ok && known {
			found = append(found, claimed{rec, e})
			continue
		} else if slices.Contains(frame, text) {
			known = known && text != "]}"
			continue
		}
		lost = append(lost, Lost{number, shorten(line)})
	}
	return found, lost
}

// frame are the lines that encode writes around scopes and leases, without
// their commas.
var frame = []string{"", "{", "}", `"version": 1`, `"version": 2`, `"scopes": [`, `"scopes": []`, "]", "]}"}

// record returns the scope, and whether it is valid.
func (h header) record() (record, bool) {
	rec := record{
		Scope: Scope{h.Directory, h.Project, h.Worktree}, override: h.Override, declared: h.Declared, requested: h.Requested,
		seen: identity{resolveIn(h.Directory, h.Repository), h.Path, h.Remote, h.ID, h.Place},
	}
	if rec.UserWide() {
		return rec, rec.sameHeader(record{})
	}
	return rec, rec.Project != "" && (!rec.override || rec.Worktree != "") && (rec.requested == "" || rec.override)
}

// salvageEntry reads one lease. It needs a valid name and port: a lease with an
// invalid time is new, and one with an invalid "pinned" was chosen.
func salvageEntry(text []byte) (entry, bool) {
	var l lease
	if json.Unmarshal(text, &l) != nil || !validPort(l.Port) {
		return entry{}, false
	}
	name, err := ParseName(l.Name)
	return entry{name, l.Port, string(l.Pinned) == "true", salvageTime(l.Since), string(l.Undeclared) == "true"}, err == nil
}

func salvageTime(text []byte) time.Time {
	var t time.Time
	if json.Unmarshal(text, &t) != nil || t.IsZero() || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		t = time.Now()
	}
	return time.Unix(t.Unix(), 0).UTC()
}

// search returns the index of the scope of c, or the index to insert it, and
// whether it was found.
func (s state) search(c claimed) (int, bool) {
	return slices.BinarySearchFunc(s.records, c.record, record.compare)
}

// knows reports whether the name of c has a lease in its scope.
func (s state) knows(c claimed) bool {
	i, found := s.search(c)
	if found {
		_, found = s.records[i].find(c.entry.Name)
	}
	return found
}

// adopt returns the state with c, whose name is new.
func (s state) adopt(c claimed) state {
	rec, i := c.record, -1
	if at, found := s.search(c); found {
		rec, i = s.records[at], at
	}
	return s.put(i, rec.with([]entry{c.entry}))
}

// shorten abbreviates a lost part for messages.
func shorten(text string) string {
	const width = 160
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "?")
	if r := []rune(text); len(r) > width {
		return string(r[:width]) + "…"
	}
	return text
}
