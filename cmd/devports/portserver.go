package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/portserver"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
)

var addressFlag = &cli.StringFlag{
	Name: "address", Aliases: []string{"portserver_address", "portserver_unix_socket_address"},
	Usage: "use the server at `ADDRESS`: @name on Linux, or a socket file", Value: portserver.DefaultAddress,
}

var portserverCommand = command{
	name:  "portserver",
	usage: "serve ports to test suites that use portpicker",
	help: `
Speaks the protocol of portpicker's port server. Clients with its address in
PORTSERVER_ADDRESS get ports from it, each for one process until that process
ends, and never a port that is leased to a name. Assignments survive a restart
of the server. SIGUSR1 prints statistics. If you run several servers at the same
time, each needs its own address and its own ports.

Example:
  devports portserver &
  export PORTSERVER_ADDRESS=@unittest-portserver
  devports portserver status`,
	flags: []cli.Flag{
		addressFlag,
		&cli.StringFlag{
			Name: "pool", Aliases: []string{"portserver_static_pool"}, Value: portserver.DefaultPool.String(),
			Usage: "assign ports of `RANGES`, such as 15000-24999,30000",
		},
		&cli.StringFlag{Name: "mode", Value: "0600", Usage: "create the socket file with `MODE`"},
		&cli.BoolFlag{Name: "verbose", Usage: "print a line for each request"},
		&cli.BoolFlag{Name: "debug", Usage: "print a line for each request, with its duration"},
		registryFlag,
	},
	sub: []command{statusCommand("status"), statusCommand("ls")},
	run: func(s session, c *cli.Context) error {
		address, err := serverAddress(c, "")
		if err != nil {
			return err
		}
		pool, err := allocator.ParseSet(c.String("pool"))
		if err != nil {
			return usage("devports portserver --pool 15000-24999", "%v", err)
		}
		mode, err := strconv.ParseUint(c.String("mode"), 8, 9)
		if err != nil {
			return usage("devports portserver --mode 0660", "invalid file mode %q", c.String("mode"))
		}
		return s.servePorts(c, address, pool, fs.FileMode(mode))
	},
}

// servePorts serves until a signal arrives.
func (s session) servePorts(c *cli.Context, address string, pool allocator.Set, mode fs.FileMode) error {
	address, files, err := s.portserverFiles(address)
	if err != nil {
		return err
	}
	r, err := s.openRegistry(c)
	if err != nil {
		return err
	}
	leased := leasedPorts{registry: r, failed: func(err error) { s.printMessage("note", s.describe(err).lines[0].text) }}
	if err := leased.read(); err != nil {
		return err
	}
	release, err := claimPool(c.Context, files, serverNote{address, pool.String()})
	if err != nil {
		return err
	}
	defer release()
	stopped := s.stoppedServers(files)
	server, err := portserver.New(portserver.Config{
		Pool: pool, State: files.state, Log: s.portserverLog(c.Bool("verbose"), c.Bool("debug")),
		Leased: func(port int) bool { return leased.contains(port) || stopped.contains(port) },
	})
	if err != nil {
		return err
	}
	listener, err := portserver.Listen(address, mode)
	var used *portserver.InUseError
	if errors.As(err, &used) {
		return fail(exitRunning, "stop it, or use another address: devports portserver --address @mine", "another port server is listening at %s", address)
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, stopSignals()...)
	defer stop()
	defer s.dumpStatistics(server)()
	s.note("port server listening at %s with %s; for clients: export PORTSERVER_ADDRESS=%s", address, wording.Count(pool.Len(), "port"), text.QuoteSh(address))
	return server.Serve(ctx, listener)
}

// portserverLog returns a function that prints requests, if the options ask for
// them, and errors.
func (s session) portserverLog(verbose, debug bool) func(portserver.Event) {
	return func(e portserver.Event) {
		text := fmt.Sprintf("port %d for pid %d", e.Port, e.PID)
		switch {
		case e.Err != nil && e.Port > 0:
			text += ": " + e.Err.Error()
		case e.Err != nil:
			text = "denied: " + e.Err.Error()
			if e.PID != 0 {
				text = fmt.Sprintf("denied to pid %d: %v", e.PID, e.Err)
			}
		}
		if debug {
			text += fmt.Sprintf(" (%v)", e.Took.Round(time.Microsecond))
		}
		if verbose || debug || e.Err != nil && e.Took == 0 {
			s.note("%s", text)
		}
	}
}

// dumpStatistics prints statistics when a signal asks for them, until stop is
// called.
func (s session) dumpStatistics(server *portserver.Server) (stop func()) {
	requests := make(chan os.Signal, 1)
	if signals := statisticsSignals(); len(signals) > 0 {
		signal.Notify(requests, signals...)
	}
	go func() {
		for range requests {
			fmt.Fprintln(s.stderr, server.Statistics())
		}
	}()
	return func() {
		signal.Stop(requests)
		close(requests)
	}
}

// statusCommand is "portserver status", also known as "portserver ls".
func statusCommand(name string) command {
	about := "list the assigned ports and their processes"
	if name != "status" {
		about = "the same as portserver status"
	}
	return command{
		name:  "portserver " + name,
		usage: about,
		help: `
Lists the ports that a port server has assigned to processes that are still
running. The server is the one at --address, else at PORTSERVER_ADDRESS. The
exit status is 5 if no port server of yours listens there.

Example:
  devports portserver ` + name + `
  devports portserver ` + name + ` --address /tmp/ports.sock --json`,
		flags: []cli.Flag{addressFlag, jsonFlag},
		run: func(s session, c *cli.Context) error {
			return s.portserverStatus(c)
		},
	}
}

// assignment is a port that the port server has assigned to a process, in JSON.
type assignment struct {
	Port    int       `json:"port"`
	PID     int       `json:"pid"`
	Command string    `json:"command,omitempty"`
	Since   time.Time `json:"since"`
}

func (s session) portserverStatus(c *cli.Context) error {
	address, err := serverAddress(c, s.getenv("PORTSERVER_ADDRESS"))
	if err != nil {
		return err
	}
	address, files, err := s.portserverFiles(address)
	if err != nil {
		return err
	}
	assignments, err := portserver.ReadState(files.state)
	if err != nil {
		return err
	}
	rows := make([]assignment, 0, len(assignments))
	for _, a := range assignments {
		rows = append(rows, assignment{a.Port, a.PID, holder.Inspect(c.Context, a.PID).Command, a.Since.UTC()})
	}
	if c.Bool("json") {
		err = s.json(assignmentsOutput{Assignments: rows})
	} else {
		err = s.printAssignments(rows)
	}
	if err != nil || lockfile.Holder(files.lock) != nil {
		return err
	}
	hint := "to start one: devports portserver"
	if address != portserver.DefaultAddress {
		hint += " --address " + text.QuoteArg(address)
	}
	return fail(exitRunning, hint, "no port server of yours is listening at %s", address)
}

func (s session) printAssignments(rows []assignment) error {
	if len(rows) == 0 {
		s.note("no assigned ports")
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(s.stdout, "%d: pid %d (%s), since %s\n", r.Port, r.PID, text.OneLine(r.Command), r.Since.Local().Format(time.DateTime)); err != nil {
			return err
		}
	}
	return nil
}

// serverAddress is the address on the command line, before or after the name of
// a subcommand, else the address of the environment unless it is empty, else
// portpicker's.
func serverAddress(c *cli.Context, environment string) (string, error) {
	for _, level := range c.Lineage() {
		if slices.ContainsFunc(addressFlag.Names(), func(name string) bool { return slices.Contains(level.LocalFlagNames(), name) }) {
			address := level.String(addressFlag.Name)
			if address == "" {
				return "", usage("devports portserver --address @mine", "--address must be @name or the path of a socket, not empty")
			}
			return address, nil
		}
	}
	return cmp.Or(environment, portserver.DefaultAddress), nil
}

// pickFrom requests n ports for pid from the port server at an address.
func pickFrom(ctx context.Context, address string, n, pid int) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var ports []int
	for range n {
		port, err := portserver.Ask(ctx, address, pid)
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
