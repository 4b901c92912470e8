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
	"github.com/devports/devports/registry"
)

var importCommand = command{
	name:  "import",
	usage: "import ports from port-for or plut",
	args:  "[FILE…]",
	help: `
Imports names and ports as user-wide names: from the named files, else from
~/.plutfile, ~/.plutrc and /etc/port-for.conf, if they exist. Every name keeps
its port. For each name that cannot be imported it prints the reason, and the
exit status is 4. It overwrites nothing, and can be repeated.

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
		rows, err := importFiles(c.Context, r, files, wanted) // after an error, rows are the results so far
		if c.Bool("json") {
			return errors.Join(s.json(importsOutput{Imports: rows}), s.notImported(rows, err))
		}
		for _, row := range rows {
			switch row.Result {
			case importImported:
				fmt.Fprintf(s.stdout, "imported %s, port %d\n", row.Name, row.Port)
			case importExisting:
				fmt.Fprintf(s.stdout, "%s already has port %d\n", row.Name, row.Port)
			}
		}
		return s.notImported(rows, err)
	},
}

// foreignFiles are the files of port-for and plut. Without a home directory
// there is no file of plut.
func foreignFiles(home string) []string {
	if !filepath.IsAbs(home) {
		return []string{"/etc/port-for.conf"}
	}
	return []string{filepath.Join(home, ".plutfile"), filepath.Join(home, ".plutrc"), "/etc/port-for.conf"}
}

// importRow is the result for a name in a file, or for an invalid line.
type importRow struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Name   string `json:"name,omitempty"`
	Port   int    `json:"port,omitempty"`
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"` // why it was not imported
	hint   string
}

// The values of an importRow's Result.
const (
	importImported = "imported" // the name now has the port
	importExisting = "existing" // the name already had the port
	importRefused  = "refused"  // the name has another port, or the port another name
	importInvalid  = "invalid"  // the line has no name and port
)

// importFiles imports files. If they are not wanted, they need not exist.
func importFiles(ctx context.Context, r registry.Registry, files []string, wanted bool) ([]importRow, error) {
	rows := []importRow{}
	read := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) && !wanted {
			continue
		}
		if info, _ := os.Stat(file); info != nil && info.IsDir() {
			return rows, fail(exitFailed, "pass the file in it: devports import "+text.QuoteArg(filepath.Join(file, ".plutfile")), "%s is a directory", file)
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
		return rows, fail(exitFailed, "to import another file: devports import FILE", "nothing to import: no %s", text.Join(files, "or"))
	}
	return rows, nil
}

// importRows are the results for one file.
func importRows(file string, foreign registry.Foreign, done registry.Imported) (rows []importRow) {
	lines := map[allocator.PortName]int{}
	for _, claim := range foreign.Claims {
		lines[claim.Name] = claim.Line
	}
	for _, l := range done.Taken {
		rows = append(rows, importRow{File: file, Line: lines[l.Name], Name: l.Name.String(), Port: l.Port, Result: importImported})
	}
	for _, l := range done.Already {
		rows = append(rows, importRow{File: file, Line: lines[l.Name], Name: l.Name.String(), Port: l.Port, Result: importExisting})
	}
	for _, p := range foreign.Problems {
		rows = append(rows, importRow{File: file, Line: p.Line, Result: importInvalid, Reason: p.Reason})
	}
	for _, refused := range done.Refused {
		row := importRow{File: file, Line: refused.Line, Name: refused.Name.String(), Port: refused.Port, Result: importRefused}
		row.Reason = fmt.Sprintf("%d is the port of %s", refused.Port, refused.Lease.String())
		if refused.Lease.Name == refused.Name && refused.Lease.Scope.UserWide() {
			row.Reason = fmt.Sprintf("%s already has port %d", refused.Name, refused.Lease.Port)
			row.hint = "to replace it: devports rm -g " + text.QuoteArg(refused.Name.String()) + ", and import again"
		}
		rows = append(rows, row)
	}
	return rows
}

// notImported is an error with everything that was not imported, and with err,
// which ended the import early; nil for none.
func (s session) notImported(rows []importRow, err error) error {
	f := failure{status: exitPort}
	for _, row := range rows {
		switch row.Result {
		case importInvalid:
			f.lines = append(f.lines, errorLine{fmt.Sprintf("%s:%d: %s", row.File, row.Line, row.Reason), ""})
		case importRefused:
			f.lines = append(f.lines, errorLine{fmt.Sprintf("%s:%d: cannot import %s %d: %s", row.File, row.Line, row.Name, row.Port, row.Reason), row.hint})
		}
	}
	if err != nil {
		early := s.describe(err)
		return failure{early.status, append(f.lines, early.lines...)}
	}
	if len(f.lines) == 0 {
		return nil
	}
	return f
}
