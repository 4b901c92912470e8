package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

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
	flags:     []cli.Flag{registryFlag},
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
		f := failure{status: exitPort}
		read := 0
		for _, file := range files {
			content, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) && !wanted {
				continue
			}
			if info, _ := os.Stat(file); info != nil && info.IsDir() {
				return fail(exitFailed, "name the file in it: devports import "+text.QuoteSh(filepath.Join(file, ".plutfile")), "%s is a folder", file)
			}
			if err != nil {
				return fail(exitFailed, "", "%v", err)
			}
			read++
			lines, err := s.importFile(c, r, file, registry.ParseForeign(content))
			if err != nil {
				return err
			}
			f.lines = append(f.lines, lines...)
		}
		if read == 0 {
			return fail(exitFailed, "name it: devports import FILE", "there is none of %s", wording.List(files))
		}
		if len(f.lines) > 0 {
			return f
		}
		return nil
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

// importFile takes over what one file says, and words what it cannot.
func (s session) importFile(c *cli.Context, r registry.Registry, file string, foreign registry.Foreign) ([]errorLine, error) {
	done, err := r.Import(c.Context, foreign.Claims)
	if err != nil {
		return nil, err
	}
	for _, l := range done.Taken {
		fmt.Fprintf(s.stdout, "%s %d taken over\n", l.Name, l.Port)
	}
	for _, l := range done.Already {
		fmt.Fprintf(s.stdout, "%s %d is here already\n", l.Name, l.Port)
	}
	var lines []errorLine
	for _, p := range foreign.Problems {
		lines = append(lines, errorLine{fmt.Sprintf("%s:%d: %s", file, p.Line, p.Reason), ""})
	}
	for _, refused := range done.Refused {
		why := fmt.Sprintf("%d is the port of %s", refused.Port, refused.Lease.String())
		hint := ""
		if refused.Lease.Name == refused.Name && refused.Lease.Scope.UserWide() {
			why = fmt.Sprintf("%s has port %d here", refused.Name, refused.Lease.Port)
			hint = "to take this one instead: devports rm -g " + text.QuoteSh(refused.Name.String()) + ", and import again"
		}
		lines = append(lines, errorLine{fmt.Sprintf("%s:%d: %s %d is not taken: %s", file, refused.Line, refused.Name, refused.Port, why), hint})
	}
	return lines, nil
}

var exportCommand = command{
	name:    "export",
	instead: "devports export --format %s",
	usage:   "print your user-wide ports for other programs",
	help: `
Prints your user-wide names and their ports in the format of another program:
port-for, plut, json or dotenv. A name that the format cannot hold is an error,
and then nothing is printed.

Example:
  devports export --format plut > ~/.plutfile`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Value: "json", Usage: "print in `FORMAT`: port-for, plut, json or dotenv"},
		registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		format, err := exportFormat(c.String("format"))
		if err != nil {
			return err
		}
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		all, err := r.Leases()
		if err != nil {
			return err
		}
		var leases []registry.Lease
		for _, l := range all {
			if l.Scope.UserWide() {
				leases = append(leases, l)
			}
		}
		err = registry.Export(s.stdout, format, leases)
		var unfit *registry.UnfitError
		if !errors.As(err, &unfit) {
			return err
		}
		f := failure{status: exitFailed}
		for _, u := range unfit.Unfit {
			f.lines = append(f.lines, errorLine{fmt.Sprintf("%s cannot hold %s: %s", format, u.Lease.Name, u.Reason), ""})
		}
		return f
	},
}

// exportFormat is the format of that name.
func exportFormat(name string) (registry.Format, error) {
	var names []string
	for _, f := range registry.ExportFormats() {
		names = append(names, string(f))
	}
	if slices.Contains(names, name) {
		return registry.Format(name), nil
	}
	hint := "devports export --format port-for"
	if near, ok := text.Nearest(name, names); ok {
		hint = "did you mean " + near + "?"
	}
	return "", usage(hint, "unknown format %q: --format takes %s", name, text.Join(names, "or"))
}
