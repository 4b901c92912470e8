package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/terminal"
)

// ttyWriter writes messages to a terminal, without control sequences.
type ttyWriter struct {
	output.Terminal
	file *os.File
}

// protect returns a writer for messages to w: a ttyWriter if w is a terminal.
func protect(w io.Writer) io.Writer {
	if !isTerminal(w) {
		return w
	}
	file := fileOf(w)
	return ttyWriter{output.NewTerminal(file), file}
}

// fileOf is the file behind a reader or writer; nil for none.
func fileOf(v any) *os.File {
	switch v := v.(type) {
	case *os.File:
		return v
	case ttyWriter:
		return v.file
	}
	return nil
}

// isTerminal reports whether v is a terminal.
func isTerminal(v any) bool {
	f := fileOf(v)
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// window returns the size of the terminal that s prints to, and a channel that
// signals changes of it; nil if s does not print to a terminal.
func (s session) window() (size func() terminal.Size, resized <-chan os.Signal, stop func()) {
	f := fileOf(s.stdout)
	if !isTerminal(f) || s.getenv("TERM") == "dumb" {
		return nil, nil, func() {}
	}
	changed, ignore := terminal.Resized()
	size = func() terminal.Size {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return terminal.Size{Rows: 24, Columns: 80}
		}
		return terminal.Size{Rows: rows, Columns: columns}
	}
	return size, changed, ignore
}

// colored decides about colour for w: by --color, then by the conventions of
// no-color.org and force-color.org, then by whether w is the terminal of a
// person.
func (s session) colored(when string, w io.Writer) (bool, error) {
	switch when {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto", "":
		if s.getenv("NO_COLOR") != "" {
			return false, nil
		}
		if force := s.getenv("FORCE_COLOR"); force != "" {
			return force != "0" && force != "false", nil
		}
		return isTerminal(w) && showsColors(fileOf(w)) && s.getenv("TERM") != "dumb" && s.unattended() == "", nil
	}
	return false, usage("", "--color must be auto, always or never, not %q", when)
}

// palette returns the colours for the terminal.
func (s session) palette() palette.Palette {
	return palette.For(s.getenv("TERM"), s.getenv("COLORTERM"))
}
