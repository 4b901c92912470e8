package registry

import (
	"encoding/json"
	"strconv"
	"time"
)

// encode writes a state as decode reads it: a line for each scope and each lease, in an order that does not depend on their
// history, so that two versions compare well.
func encode(s state) []byte {
	size := 64 // about, so that b need not grow often
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
		if r.Worktree != "" {
			b = appendString(append(b, `, "worktree": `...), r.Worktree)
		}
		if r.override {
			b = append(b, `, "override": true`...)
		}
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
	b = e.Since.UTC().AppendFormat(append(b, `, "since": "`...), time.RFC3339)
	return append(b, `"}`...)
}

// separate writes the comma before every element of a list but the first.
func separate(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ',')
}

// appendString writes a string; what needs no escape stays readable as it is.
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
