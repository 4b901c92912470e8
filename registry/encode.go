package registry

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// encode formats a state for decode: one line for each scope and each lease, in
// an order that does not depend on history, so that versions are easy to
// compare.
func encode(s state) []byte {
	size := 64 // an estimate, so that b rarely has to grow
	for _, r := range s.records {
		size += 256 + 96*len(r.leases)
	}
	b := make([]byte, 0, size)
	b = append(b, "{\n  \"version\": "...)
	b = strconv.AppendInt(b, version, 10)
	b = append(b, ",\n  \"scopes\": ["...)
	for i, r := range s.records {
		b = separate(b, i)
		b = appendRecord(append(b, "\n    "...), r)
	}
	if len(s.records) > 0 {
		b = append(b, "\n  "...)
	}
	return append(b, "]\n}\n"...)
}

func appendRecord(b []byte, r record) []byte {
	b = append(b, '{')
	if !r.UserWide() {
		b = appendString(append(b, `"directory": `...), r.Directory)
		b = appendString(append(b, `, "project": `...), r.Project)
		b = appendKey(b, `, "declared": `, r.declared)
		b = appendKey(b, `, "worktree": `, r.Worktree)
		if r.override {
			b = append(b, `, "override": true`...)
		}
		b = appendKey(b, `, "requested": `, r.requested)
		b = appendKey(b, `, "repository": `, relativeTo(r.Directory, r.seen.repository))
		b = appendKey(b, `, "path": `, r.seen.path)
		b = appendKey(b, `, "remote": `, r.seen.remote)
		b = appendKey(b, `, "id": `, r.seen.id)
		b = appendKey(b, `, "place": `, r.seen.place)
		b = append(b, ", "...)
	}
	b = append(b, `"leases": [`...)
	for i, e := range r.leases {
		b = separate(b, i)
		b = appendEntry(append(b, "\n      "...), e)
	}
	return append(b, "\n    ]}"...)
}

func appendEntry(b []byte, e entry) []byte {
	b = appendString(append(b, `{"name": `...), e.Name.String())
	b = strconv.AppendInt(append(b, `, "port": `...), int64(e.Port), 10)
	if e.Pinned {
		b = append(b, `, "pinned": true`...)
	}
	if e.undeclared {
		b = append(b, `, "undeclared": true`...)
	}
	b = e.Since.UTC().AppendFormat(append(b, `, "since": "`...), time.RFC3339)
	return append(b, `"}`...)
}

// appendKey appends a key, which starts with a separator, and its value, unless
// that is "".
func appendKey(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, key...), value)
}

// relativeTo makes a path below dir relative to it.
func relativeTo(dir, path string) string {
	if short, ok := strings.CutPrefix(path, dir+string(filepath.Separator)); ok && short != "" && !filepath.IsAbs(short) {
		return short
	}
	return path
}

// resolveIn reverses relativeTo.
func resolveIn(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return dir + string(filepath.Separator) + path
}

// separate appends a comma before every element of a list except the first.
func separate(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ',')
}

// appendString appends a JSON string. It escapes only what JSON requires.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(err) // no string fails to encode
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
