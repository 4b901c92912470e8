package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/registry"
)

var importCommand = command{
	name:  "import",
	usage: "take over the ports that port-for or plut keep",
	args:  "[FILE…]",
	help: `
Takes names and ports over into your user-wide names: from the files named, else
from ~/.plutfile, ~/.plutrc and /etc/port-for.conf, where they are there. Every
number is kept; what cannot be taken is said, with the reason, and the exit
status is 4. Nothing is overwritten, and to do it twice does no harm.

Example:
  devports import
  devports import old/.plutfile`,
	flags:     []cli.Flag{jsonFlag, registryFlag},
	completes: files,
	run: func(s session, c *cli.Context) error {
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		files, wanted := c.Args().Slice(), true
		if len(files) == 0 {
			files, wanted = foreignFiles(s.getenv("HOME")), false
		}
		rows, err := importFiles(c.Context, r, files, wanted) // rows are what was done before an error
		if c.Bool("json") {
			return errors.Join(s.json(rows), s.notImported(rows, err))
		}
		for _, row := range rows {
			if said := map[string]string{importTaken: "taken over", importKnown: "is here already"}[row.Result]; said != "" {
				fmt.Fprintf(s.stdout, "%s %d %s\n", row.Name, row.Port, said)
			}
		}
		return s.notImported(rows, err)
	},
}

// foreignFiles are where port-for and plut keep their ports. Without a home there
// is no file of plut's.
func foreignFiles(home string) []string {
	if !filepath.IsAbs(home) {
		return []string{"/etc/port-for.conf"}
	}
	return []string{filepath.Join(home, ".plutfile"), filepath.Join(home, ".plutrc"), "/etc/port-for.conf"}
}

// importRow is what has become of a name in a file, or of a line that holds none.
type importRow struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Name   string `json:"name,omitempty"`
	Port   int    `json:"port,omitempty"`
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"` // why it was not taken
	hint   string
}

// What an importRow's Result can be.
const (
	importTaken   = "taken"   // the name has the port now
	importKnown   = "known"   // it had it before
	importRefused = "refused" // the name has another port here, or the port another name
	importInvalid = "invalid" // the line holds no name and port
)

// importFiles takes over what files say. Those that are not wanted need not be
// there.
func importFiles(ctx context.Context, r registry.Registry, files []string, wanted bool) ([]importRow, error) {
	rows := []importRow{}
	read := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) && !wanted {
			continue
		}
		if info, _ := os.Stat(file); info != nil && info.IsDir() {
			return rows, fail(exitFailed, "name the file in it: devports import "+text.QuoteSh(filepath.Join(file, ".plutfile")), "%s is a folder", file)
		}
		if err != nil {
			return rows, fail(exitFailed, "", "%v", err)
		}
		read++
		foreign := registry.ParseForeign(content)
		done, err := r.Import(ctx, foreign.Claims)
		if err != nil {
			return rows, err
		}
		rows = append(rows, importRows(file, foreign, done)...)
	}
	if read == 0 {
		return rows, fail(exitFailed, "name it: devports import FILE", "there is none of %s", wording.List(files))
	}
	return rows, nil
}

// importRows are what has become of the content of one file.
func importRows(file string, foreign registry.Foreign, done registry.Imported) (rows []importRow) {
	lines := map[allocator.PortName]int{}
	for _, claim := range foreign.Claims {
		lines[claim.Name] = claim.Line
	}
	for _, l := range done.Taken {
		rows = append(rows, importRow{File: file, Line: lines[l.Name], Name: l.Name.String(), Port: l.Port, Result: importTaken})
	}
	for _, l := range done.Already {
		rows = append(rows, importRow{File: file, Line: lines[l.Name], Name: l.Name.String(), Port: l.Port, Result: importKnown})
	}
	for _, p := range foreign.Problems {
		rows = append(rows, importRow{File: file, Line: p.Line, Result: importInvalid, Reason: p.Reason})
	}
	for _, refused := range done.Refused {
		row := importRow{File: file, Line: refused.Line, Name: refused.Name.String(), Port: refused.Port, Result: importRefused}
		row.Reason = fmt.Sprintf("%d is the port of %s", refused.Port, refused.Lease.String())
		if refused.Lease.Name == refused.Name && refused.Lease.Scope.UserWide() {
			row.Reason = fmt.Sprintf("%s has port %d here", refused.Name, refused.Lease.Port)
			row.hint = "to take this one instead: devports rm -g " + text.QuoteSh(refused.Name.String()) + ", and import again"
		}
		rows = append(rows, row)
	}
	return rows
}

// notImported is an error with all that was not taken, and with what ended the
// import early, if anything did.
func (s session) notImported(rows []importRow, err error) error {
	f := failure{status: exitPort}
	for _, row := range rows {
		switch row.Result {
		case importInvalid:
			f.lines = append(f.lines, errorLine{fmt.Sprintf("%s:%d: %s", row.File, row.Line, row.Reason), ""})
		case importRefused:
			f.lines = append(f.lines, errorLine{fmt.Sprintf("%s:%d: %s %d is not taken: %s", row.File, row.Line, row.Name, row.Port, row.Reason), row.hint})
		}
	}
	if err != nil {
		early := s.explain(err)
		return failure{early.status, append(f.lines, early.lines...)}
	}
	if len(f.lines) == 0 {
		return nil
	}
	return f
}
