package procfile

import "fmt"

// source is one of several files that a project is read from. The project file
// itself has none: the source of its positions is nil.
type source struct {
	name     string        // as messages print it
	path     string        // absolute
	dir      string        // absolute; the base of its relative paths
	order    int           // of the files, in the order in which they were read
	included *includedFile // nil: the file is not included
	local    bool          // it is a Portfile.local
	main     bool          // and that of the main checkout
}

// at returns a position in the source.
func (s *source) at(line, column int) Position { return Position{line, column, s} }

// file returns the name of the file of a position; main is that of the project
// file.
func (p Position) file(main string) string {
	if p.in != nil {
		return p.in.name
	}
	return main
}

// beside names a position in a message about another one: "on line 3", with the
// file if the two are in different files.
func (p Position) beside(other Position, main string) string {
	if p.in == other.in {
		return fmt.Sprintf("on line %d", p.Line)
	}
	return fmt.Sprintf("at %s:%d", p.file(main), p.Line)
}

// compare orders positions by file, then by line.
func (p Position) compare(other Position) int {
	if p.in.rank() != other.in.rank() {
		return p.in.rank() - other.in.rank()
	}
	return p.Line - other.Line
}

func (s *source) rank() int {
	if s == nil {
		return 0
	}
	return s.order
}

// included returns the included file of a position; nil: it is not in one.
func (p Position) included() *includedFile {
	if p.in == nil {
		return nil
	}
	return p.in.included
}

// Problem returns a problem, or a note, about a position in the file or in one
// of those that it includes.
func (f File) Problem(pos Position, hint, format string, args ...any) Problem {
	return problemf(f.Name, pos, hint, format, args...)
}

// PathOf returns the absolute path of the file that a position is in.
func (f File) PathOf(pos Position) string {
	if pos.in != nil {
		return pos.in.path
	}
	return f.Path
}

// base returns the directory of relative paths at a position.
func (f File) base(pos Position) string {
	if pos.in != nil {
		return pos.in.dir
	}
	return f.Dir
}
