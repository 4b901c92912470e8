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
	Usage: "`ADDRESS` of the server: @name on Linux, or a socket file", Value: portserver.DefaultAddress,
}

var portserverCommand = command{
	name:  "portserver",
	usage: "hand out ports to test suites that use portpicker",
	help: `
Speaks the protocol of portpicker's port server: whoever has its address in
PORTSERVER_ADDRESS gets ports from it, each for one process and until that has
ended, and none that is kept for a name. Which process has which port outlives
a restart of the server. SIGUSR1 prints statistics. Of your servers that run at
the same time, each needs an address and ports of its own.

Example:
  devports portserver &
  export PORTSERVER_ADDRESS=@unittest-portserver
  devports portserver status`,
	flags: []cli.Flag{
		addressFlag,
		&cli.StringFlag{
			Name: "pool", Aliases: []string{"portserver_static_pool"}, Value: portserver.DefaultPool.String(),
			Usage: "hand out these ports: `RANGES` like 15000-24999,30000",
		},
		&cli.StringFlag{Name: "mode", Value: "0600", Usage: "`MODE` of a socket file: who may ask"},
		boolean("verbose", "", "print a line for each request"),
		boolean("debug", "", "print how long each took, too"),
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
			return usage("devports portserver --mode 0660", "%q is no file mode", c.String("mode"))
		}
		return s.servePorts(c, address, pool, fs.FileMode(mode))
	},
}

// servePorts serves until a signal ends it.
func (s session) servePorts(c *cli.Context, address string, pool allocator.Set, mode fs.FileMode) error {
	address, files, err := s.portserverFiles(address)
	if err != nil {
		return err
	}
	r, err := s.openRegistry(c)
	if err != nil {
		return err
	}
	leased := leasedPorts{registry: r, failed: func(err error) { s.complain("note", "36", s.explain(err).lines[0].text) }}
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
		return fail(exitRunning, "stop it, or name another address: devports portserver --address @mine", "another port server listens at %s", address)
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, stopSignals()...)
	defer stop()
	defer s.dumpStatistics(server)()
	s.note("port server at %s with %s: export PORTSERVER_ADDRESS=%s", address, wording.Count(pool.Len(), "port"), text.QuoteSh(address))
	return server.Serve(ctx, listener)
}

// portserverLog prints requests, if they are wanted, and whatever goes wrong.
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

// dumpStatistics prints them whenever they are asked for, until stop is called.
func (s session) dumpStatistics(server *portserver.Server) (stop func()) {
	asked := make(chan os.Signal, 1)
	if wanted := statisticsSignals(); len(wanted) > 0 {
		signal.Notify(asked, wanted...)
	}
	go func() {
		for range asked {
			fmt.Fprintln(s.stderr, server.Statistics())
		}
	}()
	return func() {
		signal.Stop(asked)
		close(asked)
	}
}

// statusCommand is "portserver status", which some look for as "portserver ls".
func statusCommand(name string) command {
	return command{
		name:  "portserver " + name,
		usage: "list the ports that are handed out, and to whom",
		help: `
Lists the ports that a port server has handed out to processes that still live.
Which server that is says --address, else PORTSERVER_ADDRESS. The exit status is
5 if no port server of yours listens there.

Example:
  devports portserver ` + name + `
  devports portserver ` + name + ` --address /tmp/ports.sock --json`,
		flags: []cli.Flag{addressFlag, jsonFlag},
		run: func(s session, c *cli.Context) error {
			return s.portserverStatus(c)
		},
	}
}

// handedOut is a port that a process has from the port server.
type handedOut struct {
	Port    int       `json:"port"`
	PID     int       `json:"pid"`
	Command string    `json:"command,omitempty"`
	Since   time.Time `json:"since"` // when it got the port
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
	rows := make([]handedOut, 0, len(assignments))
	for _, a := range assignments {
		rows = append(rows, handedOut{a.Port, a.PID, holder.Inspect(c.Context, a.PID).Command, a.Since.UTC()})
	}
	if c.Bool("json") {
		err = s.json(rows)
	} else {
		err = s.tellHandedOut(rows)
	}
	if err != nil || lockfile.Holder(files.lock) != nil {
		return err
	}
	hint := "devports portserver starts one"
	if address != portserver.DefaultAddress {
		hint = "devports portserver --address " + text.QuoteSh(address) + " starts one"
	}
	return fail(exitRunning, hint, "no port server of yours listens at %s", address)
}

func (s session) tellHandedOut(rows []handedOut) error {
	if len(rows) == 0 {
		s.note("no port is handed out")
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(s.stdout, "%d: pid %d (%s), since %s\n", r.Port, r.PID, text.OneLine(r.Command), r.Since.Local().Format(time.DateTime)); err != nil {
			return err
		}
	}
	return nil
}

// serverAddress is the address on the command line, before or behind the name of a
// subcommand, else the one of the environment, which may be empty, else
// portpicker's.
func serverAddress(c *cli.Context, environment string) (string, error) {
	for _, level := range c.Lineage() {
		if slices.ContainsFunc(addressFlag.Names(), func(name string) bool { return slices.Contains(level.LocalFlagNames(), name) }) {
			address := level.String(addressFlag.Name)
			if address == "" {
				return "", usage("devports portserver --address @mine", "--address takes @name or the path of a socket, not an empty string")
			}
			return address, nil
		}
	}
	return cmp.Or(environment, portserver.DefaultAddress), nil
}

// pickFrom asks the port server at an address for n ports that belong to pid.
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
