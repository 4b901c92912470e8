package watcher

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// skipped are folders that are never looked into.
var skipped = []string{".git", "node_modules"}

// skips reports whether a folder is never looked into.
func skips(folder string) bool {
	return slices.Contains(skipped, path.Base(folder)) || isCookie(folder)
}

// ValidatePattern says whether a pattern is one for [NewTree]. The error names the pattern
// and says what is accepted; patterns that could never match are errors, too.
func ValidatePattern(pattern string) error {
	glob, exclusion := strings.CutPrefix(pattern, "!")
	wrong := func(why string) error { return fmt.Errorf("pattern %q %s", pattern, why) }
	switch {
	case glob == "":
		return wrong(`is empty; "**/*.go" is one, and "!**/*_test.go" excludes files`)
	case absolute(glob):
		return wrong("is absolute; patterns are relative to the folder that is watched")
	case !doublestar.ValidatePattern(glob):
		return wrong(`is not a glob: a bracket or brace is not closed, or nothing follows a backslash; put "\" before a character that is meant as it is`)
	case strings.HasSuffix(glob, "/"):
		return wrong(fmt.Sprintf("names a folder; %q matches the files below it", pattern+"**"))
	}
	for part := range strings.SplitSeq(glob, "/") {
		switch {
		case part == "..":
			return wrong(`has ".."; only files below the folder that is watched can match`)
		case part == "." || part == "":
			return wrong(fmt.Sprintf(`has %q between slashes, which no path has; "api/*.go" is accepted, "./api/*.go" and "api//*.go" are not`, part))
		case !exclusion && slices.Contains(skipped, part):
			return wrong(fmt.Sprintf("can match nothing, folders called %s are always skipped", part))
		}
	}
	return nil
}

// absolute holds on all systems what is absolute on one.
func absolute(glob string) bool {
	drive := len(glob) > 2 && glob[1] == ':' && (glob[2] == '/' || glob[2] == '\\')
	return drive || strings.HasPrefix(glob, "/") || filepath.IsAbs(glob)
}

// set is a named set of patterns.
type set struct {
	name             string
	include, exclude []string // without "!"
}

func newSet(name string, patterns []string) (s set, err error) {
	s.name = name
	for _, pattern := range patterns {
		if err := ValidatePattern(pattern); err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		if glob, ok := strings.CutPrefix(pattern, "!"); ok {
			s.exclude = append(s.exclude, glob)
		} else {
			s.include = append(s.include, glob)
		}
	}
	if len(s.include) == 0 && len(s.exclude) > 0 {
		s.include = []string{"**"}
	}
	return s, nil
}

// counts reports whether a file is in the set. If it is ignored, a pattern must
// name it.
func (s set) counts(file string, ignored bool) bool {
	return slices.ContainsFunc(s.include, func(glob string) bool {
		return (!ignored || literal(glob)) && doublestar.MatchUnvalidated(glob, file)
	}) && !slices.ContainsFunc(s.exclude, func(glob string) bool {
		return doublestar.MatchUnvalidated(glob, file)
	})
}

// reaches reports whether a file somewhere below a folder may be in the set. It
// may say so where none can, but not the other way round.
func (s set) reaches(folder string, ignored bool) bool {
	return slices.ContainsFunc(s.include, func(glob string) bool {
		return (!ignored || literal(glob)) && leads(glob, folder)
	}) && !slices.ContainsFunc(s.exclude, func(glob string) bool {
		return covers(glob, folder)
	})
}

func literal(glob string) bool { return !strings.ContainsAny(glob, `*?[{\`) }

// leads reports whether a glob may match a file below a folder.
func leads(glob, folder string) bool {
	for name := range strings.SplitSeq(folder, "/") {
		part, rest, more := strings.Cut(glob, "/")
		if strings.Contains(part, "**") || !doublestar.ValidatePattern(part) {
			return true // at any depth; or there is a slash within brackets or braces
		}
		if !more || !doublestar.MatchUnvalidated(part, name) {
			return false
		}
		glob = rest
	}
	return true
}

// covers reports whether a glob matches all that is below a folder, now and
// later.
func covers(glob, folder string) bool {
	glob = strings.TrimSuffix(glob, "/*") // "a/**/*" is "a/**", if for files
	return strings.HasSuffix(glob, "/**") && doublestar.MatchUnvalidated(glob, folder)
}

// counting returns the names of the sets that a file is in, nil if none.
func (t *tree) counting(file string, ignored bool) (names []string) {
	for _, s := range t.sets {
		if s.counts(file, ignored) {
			names = append(names, s.name)
		}
	}
	return names
}

// reaches reports whether a file below a folder may be in one of the sets.
func (t *tree) reaches(folder string, ignored bool) bool {
	return !skips(folder) && slices.ContainsFunc(t.sets, func(s set) bool {
		return s.reaches(folder, ignored)
	})
}
