package watcher

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// skipped are the directories that are never read.
var skipped = []string{".git", "node_modules"}

// skips reports whether a directory is never read.
func skips(directory string) bool {
	return slices.Contains(skipped, path.Base(directory)) || isCookie(directory)
}

// ValidatePattern returns an error unless NewTree accepts the pattern. The error
// names the pattern and what is accepted. A pattern that can never match is an
// error, too.
func ValidatePattern(pattern string) error {
	glob, exclusion := strings.CutPrefix(pattern, "!")
	invalid := func(reason string) error { return fmt.Errorf("pattern %q %s", pattern, reason) }
	switch {
	case glob == "":
		return invalid(`is empty; write one like "**/*.go", or "!**/*_test.go" to exclude files`)
	case absolute(glob):
		return invalid("is absolute; patterns are relative to the directory that is watched")
	case !doublestar.ValidatePattern(glob):
		return invalid(`is not a glob: a bracket or brace is not closed, or nothing follows a backslash; put "\" before a character that is meant literally`)
	case strings.HasSuffix(glob, "/"):
		return invalid(fmt.Sprintf("names a directory; %q matches the files below it", pattern+"**"))
	}
	for part := range strings.SplitSeq(glob, "/") {
		switch {
		case part == "..":
			return invalid(`has ".."; only files below the directory that is watched can match`)
		case part == "." || part == "":
			return invalid(fmt.Sprintf(`has %q between slashes, which no path has; "api/*.go" is accepted, "./api/*.go" and "api//*.go" are not`, part))
		case !exclusion && slices.Contains(skipped, part):
			return invalid(fmt.Sprintf("can match nothing: directories called %s are always skipped", part))
		}
	}
	return nil
}

// absolute reports on all systems what is absolute on one of them.
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

// contains reports whether a file is in the set. If it is ignored, a pattern must
// name it literally.
func (s set) contains(file string, ignored bool) bool {
	return slices.ContainsFunc(s.include, func(glob string) bool {
		return (!ignored || literal(glob)) && doublestar.MatchUnvalidated(glob, file)
	}) && !slices.ContainsFunc(s.exclude, func(glob string) bool {
		return doublestar.MatchUnvalidated(glob, file)
	})
}

// reaches reports whether a file somewhere below a directory may be in the set.
// False positives are possible, false negatives are not.
func (s set) reaches(directory string, ignored bool) bool {
	return slices.ContainsFunc(s.include, func(glob string) bool {
		return (!ignored || literal(glob)) && leads(glob, directory)
	}) && !slices.ContainsFunc(s.exclude, func(glob string) bool {
		return covers(glob, directory)
	})
}

func literal(glob string) bool { return !strings.ContainsAny(glob, `*?[{\`) }

// leads reports whether a glob may match a file below a directory.
func leads(glob, directory string) bool {
	for name := range strings.SplitSeq(directory, "/") {
		part, rest, more := strings.Cut(glob, "/")
		if strings.Contains(part, "**") || !doublestar.ValidatePattern(part) {
			return true // at any depth, or a slash within brackets or braces
		}
		if !more || !doublestar.MatchUnvalidated(part, name) {
			return false
		}
		glob = rest
	}
	return true
}

// covers reports whether a glob matches everything that could be below a directory.
func covers(glob, directory string) bool {
	glob = strings.TrimSuffix(glob, "/*") // for files, "a/**/*" is the same as "a/**"
	return strings.HasSuffix(glob, "/**") && doublestar.MatchUnvalidated(glob, directory)
}

// setsOf returns the names of the sets that contain a file, nil for none.
func (t *tree) setsOf(file string, ignored bool) (names []string) {
	for _, s := range t.sets {
		if s.contains(file, ignored) {
			names = append(names, s.name)
		}
	}
	return names
}

// reaches reports whether a file below a directory may be in one of the sets.
func (t *tree) reaches(directory string, ignored bool) bool {
	return !skips(directory) && slices.ContainsFunc(t.sets, func(s set) bool {
		return s.reaches(directory, ignored)
	})
}
