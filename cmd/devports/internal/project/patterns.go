package project

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// patternNotes are notes about watch patterns that match no file, except the
// known patterns, by service.
func (p Project) patternNotes(known map[string][]string) (notes procfile.Problems) {
	var patterns []watcher.Pattern
	var prefixes []procfile.Problem // the start of each pattern's note
	for _, s := range p.File.Services {
		if s.ReplicaOf != "" && s.ReplicaOf != s.Name {
			continue // the patterns of the first replica
		}
		for _, pattern := range s.Watch {
			text := p.File.WatchPattern(pattern)
			if slices.Contains(known[s.Name], text) {
				continue
			}
			note := p.File.Problem(pattern.Pos, "", "")
			if err := watcher.ValidatePattern(text); err != nil {
				note.Text = fmt.Sprintf("not watching the code of %s: %v", s.Name, err)
				notes = append(notes, note)
				continue
			}
			note.Text = fmt.Sprintf("%s watches %q", s.Name, text)
			prefixes = append(prefixes, note)
			patterns = append(patterns, watcher.Pattern{Text: text, Directory: p.directoryOf(s)})
		}
	}
	for _, u := range watcher.FindUnmatched(p.File.Dir, patterns) {
		note := prefixes[slices.Index(patterns, u.Pattern)]
		note.Text += ", which matches no file"
		switch {
		case u.Instead != "":
			base := "the working directory"
			if p.File.Path != "" {
				base = "the directory of " + filepath.Base(p.File.Path)
			}
			note.Hint = fmt.Sprintf("%q matches; patterns are relative to %s", u.Instead, base)
		case u.Ignored:
			note.Text += " except ignored ones"
			note.Hint = "to watch a file that git ignores, name it without * and ?"
		}
		notes = append(notes, note)
	}
	return notes
}

// directoryOf is the directory of a service, relative to the file; "" if it is the
// file's directory, outside of it, or unknown.
func (p Project) directoryOf(s procfile.Service) string {
	dir, _ := p.File.DirOf(s)
	directory, err := filepath.Rel(p.File.Dir, dir)
	directory = filepath.ToSlash(directory)
	if err != nil || directory == "." || filepath.IsAbs(s.Dir.Value) || strings.HasPrefix(directory, "..") || strings.Contains(directory, "$") {
		return ""
	}
	return directory
}
