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
// it shows whether the variable has been set to another value since. The hash
// could confirm a guessed value, but a process that can read the list can also
// read the value, in the same environment. BEFORE is the value that devports
// has replaced, in base64, so that a PATH that [env] extends is not lost.

const (
	hashBytes = 6

	// maxMarks is the maximum length of a list in bytes, since systems limit a
	// variable: Linux to 128 KiB, Windows to 32 KiB. Variables that do not fit
	// count as the user's own.
	maxMarks = 12 << 10
)

// Var is an environment variable.
type Var struct{ Name, Value string }

// Mark returns the value of [Env] for the variables in set, in a process that
// otherwise has the environment own. It does not list a variable that own has
// with the same value, except the labels: only a DEVPORTS_WORKTREE of the user
// labels a checkout.
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

// Join joins several lists.
func Join(lists ...string) string {
	return strings.Join(slices.DeleteFunc(lists, func(list string) bool { return list == "" }), ",")
}

// Own returns an environment without the variables that devports has set: it
// removes the variables in [Env] or restores their earlier values, unless they
// have been set to another value since. exported are the sorted names of these
// variables.
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

// LabelInherited reports whether a parent devports, and not the user, set the
// [Worktree] of this environment.
func LabelInherited(getenv func(string) string) bool {
	m, listed := parse(getenv(Env))[Worktree]
	return getenv(Project) != "" && (!listed || m.hash == hash(Worktree, getenv(Worktree)))
}

// mark is an entry of the list.
type mark struct {
	hash   string
	before string
	had    bool // before is set, even if it is empty
}

// parse ignores invalid entries: the user may have set the list.
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

// isName reports whether name is a valid name of a shell variable.
func isName(name string) bool {
	for i, c := range []byte(name) {
		letter := 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
