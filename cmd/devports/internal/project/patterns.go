package project

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// patternNotes are about what services watch: patterns that match no file, but for
// those known, by service.
func (p Project) patternNotes(known map[string][]string) (notes procfile.Problems) {
	var patterns []watcher.Pattern
	var meant []procfile.Problem // of each of the patterns, without what is wrong
	for _, s := range p.File.Services {
		if s.ReplicaOf != "" && s.ReplicaOf != s.Name {
			continue // it is the same as of the first replica
		}
		for _, pattern := range s.Watch {
			if slices.Contains(known[s.Name], pattern.Value) {
				continue
			}
			note := procfile.Problem{File: p.File.Name, Position: pattern.Pos}
			if err := watcher.ValidatePattern(pattern.Value); err != nil {
				note.Text = fmt.Sprintf("the code of %s is not watched: %v", s.Name, err)
				notes = append(notes, note)
				continue
			}
			note.Text = fmt.Sprintf("%s watches %q", s.Name, pattern.Value)
			meant = append(meant, note)
			patterns = append(patterns, watcher.Pattern{Text: pattern.Value, Folder: p.folderOf(s)})
		}
	}
	for _, u := range watcher.FindUnmatched(p.File.Dir, patterns) {
		note := meant[slices.Index(patterns, u.Pattern)]
		note.Text += ", which matches no file"
		switch {
		case u.Instead != "":
			base := "the working directory"
			if p.File.Path != "" {
				base = "the folder of " + filepath.Base(p.File.Path)
			}
			note.Hint = fmt.Sprintf("%q matches; patterns are relative to %s", u.Instead, base)
		case u.Ignored:
			note.Text += " but those that git ignores"
			note.Hint = "a file that git ignores counts if it is named without * and ?"
		}
		notes = append(notes, note)
	}
	return notes
}

// folderOf is where a service runs, relative to the file; "" if that is where the
// file is, outside of it or not known.
func (p Project) folderOf(s procfile.Service) string {
	folder := filepath.ToSlash(filepath.Clean(s.Dir.Value))
	if folder == "." || filepath.IsAbs(s.Dir.Value) || strings.HasPrefix(folder, "..") || strings.Contains(folder, "$") {
		return ""
	}
	return folder
}
