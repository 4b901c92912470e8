package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/cmd/devports/internal/view"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
)

var urlCommand = command{
	name:  "url",
	usage: "print the address of a service",
	args:  "[SERVICE]",
	help: `
Prints the address of SERVICE for a browser; without SERVICE, that of the page of
this checkout. For a service that does not use HTTP, or in a run without the
front (up --no-front), the address is localhost:PORT. Addresses stay the same,
even while the services are not running. See devports help front.

Example:
  devports url web
  devports url --json`,
	flags:     []cli.Flag{noPinsFlag, jsonFlag, fileFlag, registryFlag},
	completes: one(services),
	run: func(s session, c *cli.Context) error {
		plan, service, err := s.addresses(c)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			if service != "" {
				if _, err := addressIn(plan, service); err != nil {
					return err
				}
			}
			all := map[string]string{}
			for _, p := range plan.Services {
				if p.Address != "" && (service == "" || p.Service == service) {
					all[p.Service] = p.Address
				}
			}
			return s.json(addressesOutput{Addresses: all})
		}
		address, err := addressIn(plan, service)
		if err != nil {
			return err
		}
		fmt.Fprintln(s.stdout, address)
		return nil
	},
}

var openCommand = command{
	name:  "open",
	usage: "open a service in the browser",
	args:  "[SERVICE]",
	help: `
Opens the address of SERVICE in the browser; without SERVICE, the page of this
checkout. If BROWSER is set, devports runs that command, and replaces %s in it
by the address; otherwise it opens the system's default browser.

Example:
  devports open web`,
	flags:     []cli.Flag{noPinsFlag, fileFlag, registryFlag},
	completes: one(services),
	run: func(s session, c *cli.Context) error {
		plan, service, err := s.addresses(c)
		if err != nil {
			return err
		}
		address, err := addressIn(plan, service)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(address, "http://") {
			return fail(exitFailed, "its address: "+address, "%s does not use HTTP", service)
		}
		return browse(address)
	},
}

// browse opens an address in the browser.
func browse(address string) error {
	argv := view.Browser(address)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), envvar.Outside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr // for a browser in the terminal
	if err := cmd.Run(); err != nil {
		return fail(exitFailed, "open "+address+", or set BROWSER", "cannot start a browser: %v", err)
	}
	return nil
}

// addresses returns the plan of the project, with the addresses of its
// services, and the service that the command line names. A run without the front
// has no named addresses.
func (s session) addresses(c *cli.Context) (plan procfile.Plan, service string, err error) {
	p, err := s.openProject(c)
	if err != nil {
		return plan, "", err
	}
	p = s.withPins(p, c)
	if service, err = namedService(p, c); err != nil {
		return plan, service, err
	}
	scope, err := p.Scope()
	if err != nil {
		return plan, service, err
	}
	if i, ok, _ := s.runningIn(scope); ok && i.Query(c.Context).Info.NoFront {
		p = p.WithoutFront()
	}
	plan, err = p.Resolve(c.Context)
	return plan, service, err
}

// addressIn returns the address of a service, or without one of the checkout's
// page, or of its only service that uses HTTP if there is no page.
func addressIn(plan procfile.Plan, service string) (string, error) {
	if service != "" {
		p, _ := plan.Service(service)
		if p.Address == "" {
			return "", fail(exitFailed, "", "%s has no port: it sets port = false", service)
		}
		return p.Address, nil
	}
	if url := plan.Site.URL(""); url != "" {
		return url, nil
	}
	var names []string
	address := ""
	for _, p := range plan.Services {
		if p.HTTP {
			names, address = append(names, p.Service), p.Address
		}
	}
	switch len(names) {
	case 0:
		return "", fail(exitFailed, "", "no service uses HTTP")
	case 1:
		return address, nil
	}
	return "", usage("devports url "+names[0], "name one of the services: %s", wording.List(names))
}
