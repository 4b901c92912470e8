package envvar

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// The value of [Env] is a list of NAME:HASH or NAME:HASH:BEFORE, separated by
// commas. HASH is 48 bits of a hash of the name and the value, in hexadecimal:
// it shows whether somebody has set the variable to another value since. A value
// that can be guessed can be confirmed by it, but whoever sees the list sees the
// value beside it, in the same environment. BEFORE is the value that devports
// has replaced, in base64: a PATH that [env] extends is not lost.

const (
	hashBytes = 6

	// maxMarks bounds a list in bytes, for systems bound a variable: Linux to
	// 128 KiB, Windows to 32 KiB. What does not fit counts as the user's own.
	maxMarks = 12 << 10
)

// Var is an environment variable.
type Var struct{ Name, Value string }

// Mark returns the value of [Env] for the variables of set, in a process that
// otherwise has the environment own. A variable that own has with the same value
// is the user's and not listed, except for the labels: only a user's own
// DEVPORTS_WORKTREE names a checkout.
func Mark(set []Var, own map[string]string) string {
	var marks []string
	size := 0
	for _, v := range set {
		before, had := own[v.Name]
		label := v.Name == Project || v.Name == Service || v.Name == Worktree
		if v.Name == Env || !isName(v.Name) || had && before == v.Value && !label {
			continue
		}
		mark := v.Name + ":" + hash(v.Name, v.Value)
		if had {
			mark += ":" + base64.RawURLEncoding.EncodeToString([]byte(before))
		}
		if size += len(mark) + 1; size > maxMarks {
			break
		}
		marks = append(marks, mark)
	}
	return strings.Join(marks, ",")
}

// Join makes one list of several.
func Join(lists ...string) string {
	return strings.Join(slices.DeleteFunc(lists, func(list string) bool { return list == "" }), ",")
}

// Own returns an environment as it was before devports set variables in it: what
// [Env] lists is removed or gets its earlier value, unless it has been set to
// another value since. exported are the names of those that were, sorted.
func Own(environ []string) (own, exported []string) {
	marks := map[string]mark{}
	for _, entry := range environ {
		if list, ok := strings.CutPrefix(entry, Env+"="); ok {
			marks = parse(list)
		}
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if name == Env {
			continue
		}
		m, listed := marks[name]
		if !listed || m.hash != hash(name, value) {
			own = append(own, entry)
			continue
		}
		exported = append(exported, name)
		if m.had {
			own = append(own, name+"="+m.before)
		}
	}
	slices.Sort(exported)
	return own, slices.Compact(exported)
}

// LabelInherited reports whether the [Worktree] of this environment was set by a
// devports above, and not by the user.
func LabelInherited(getenv func(string) string) bool {
	m, listed := parse(getenv(Env))[Worktree]
	return getenv(Project) != "" && (!listed || m.hash == hash(Worktree, getenv(Worktree)))
}

// mark is an entry of the list.
type mark struct {
	hash   string
	before string
	had    bool // before is meant, even if it is empty
}

// parse skips what is no entry: the list may be anybody's.
func parse(list string) map[string]mark {
	marks := map[string]mark{}
	for entry := range strings.SplitSeq(list, ",") {
		fields := strings.Split(entry, ":")
		if len(fields) < 2 || len(fields) > 3 || !isName(fields[0]) || len(fields[1]) != 2*hashBytes {
			continue
		}
		m := mark{hash: fields[1], had: len(fields) == 3}
		if m.had {
			before, err := base64.RawURLEncoding.DecodeString(fields[2])
			if err != nil {
				continue
			}
			m.before = string(before)
		}
		marks[fields[0]] = m
	}
	return marks
}

func hash(name, value string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + value))
	return hex.EncodeToString(sum[:hashBytes])
}

// isName reports whether shells take name for a variable's.
func isName(name string) bool {
	for i, c := range []byte(name) {
		letter := 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
