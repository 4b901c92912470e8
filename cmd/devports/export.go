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
	usage:   "print the services, or user-wide ports, for other programs",
	help: `
Prints the services of the Portfile for an engine that runs them elsewhere:

  compose      a compose file, for docker compose and docker-compose
  kubernetes   manifests, for kubectl apply -f -
  systemd      units, for systemctl --user

A service with an image, or with a Dockerfile in its directory, becomes a
container with its ports, environment, dependencies, health check and restart
policy. In a container, PORT_<NAME> and URL_<NAME> lead to the containers of the
others. systemd units run the commands on this machine, on the ports of this
checkout; they contain the values of the variables.

A service with autostart = false that no other one needs is in the profile
manual of the compose file; in Kubernetes it has no replicas, or its Job is
suspended; the systemd target does not start it. Groups become systemd targets.
Services of included files are exported under their full names, with paths
relative to the Portfile.

For everything that the format cannot express, export prints a warning with the
line, and writes a comment into the file. --output writes a file (for systemd, a
directory of units) and replaces only what export has written.

With the format port-for, plut, dotenv or json, export prints your user-wide
names and their ports instead. If the format does not support a name, it prints
an error and nothing else.

Example:
  devports export --format compose --output compose.yaml
  devports export --format kubernetes | kubectl apply -f -
  devports export --format systemd --output ~/.config/systemd/user
  devports export --format plut > ~/.plutfile`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Value: "json", Usage: "print in `FORMAT`: compose, kubernetes or systemd; or port-for, plut, dotenv or json"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `PATH`: a file, or a directory for systemd"},
		jsonFlag, fileFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		name, err := formatOrJSON(c, "format")
		if err != nil {
			return err
		}
		if slices.Contains(projectFormats, name) {
			return s.exportProject(c, name)
		}
		if c.IsSet("output") {
			return usage("devports export --format compose", "--output has no effect with --format %s", name)
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
		if name == "json" {
			return s.json(leasesOutput{Leases: leaseRows(leases)})
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

// exportFormat returns the format of ports with a name; of the registry's formats,
// or json.
func exportFormat(name string) (registry.Format, error) {
	var names []string
	for _, f := range registry.ExportFormats() {
		names = append(names, string(f))
	}
	names = append(names, "json")
	if slices.Contains(names, name) {
		return registry.Format(name), nil
	}
	names = slices.Concat(projectFormats, names)
	hint := "devports export --format port-for"
	if near, ok := text.Nearest(name, names); ok {
		hint = "did you mean " + near + "?"
	}
	return "", usage(hint, "unknown format %q: expected %s", name, text.Join(names, "or"))
}
