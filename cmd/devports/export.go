package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry"
)

var exportCommand = command{
	name:    "export",
	instead: "devports export --format %s",
	usage:   "print user-wide ports for other programs",
	help: `
Prints your user-wide names and their ports in the format of another program:
port-for, plut, json or dotenv. If the format does not support a name, export
prints an error and nothing else.

Example:
  devports export --format plut > ~/.plutfile`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Value: "json", Usage: "print in `FORMAT`: port-for, plut, json or dotenv"},
		jsonFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		name, err := formatOrJSON(c, "format")
		if err != nil {
			return err
		}
		format, err := exportFormat(name)
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
			f.lines = append(f.lines, errorLine{fmt.Sprintf("cannot export %s as %s: %s", u.Lease.Name, format, u.Reason), ""})
		}
		return f
	},
}

// exportFormat returns the format with a name.
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
	return "", usage(hint, "unknown format %q: expected %s", name, text.Join(names, "or"))
}
