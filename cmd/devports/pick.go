package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/portserver"
	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
)

var pickCommand = command{
	name:    "pick",
	instead: "to lease one for a name: devports port %s",
	usage:   "print unused ports",
	help: `
Prints ports that are free now and that no name has. They are not reserved: for
a permanent port, give it a name with devports port.

If PORTSERVER_ADDRESS is set, the ports come from that port server, which
reserves them for the process that called devports until it ends.

Example:
  devports pick
  devports pick -n 3`,
	flags: []cli.Flag{
		&cli.IntFlag{Name: "n", Value: 1, Base: 10, Usage: "print `N` different ports", DefaultText: "1"},
		&cli.IntFlag{Name: "pid", Base: 10, Usage: "with a port server, reserve the ports for the process `PID`", DefaultText: "the process that called devports"},
		jsonFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		if c.Int("n") < 1 {
			return usage("devports pick -n 3", "-n must be at least 1, not %d", c.Int("n"))
		}
		ports, err := s.pickOrAsk(c)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return s.json(numbersOutput{Ports: ports})
		}
		for _, port := range ports {
			if _, err := fmt.Fprintln(s.stdout, port); err != nil {
				return err
			}
		}
		return nil
	},
}

// pickOrAsk picks ports, or requests them from the port server if there is one.
func (s session) pickOrAsk(c *cli.Context) ([]int, error) {
	n, address := c.Int("n"), s.getenv("PORTSERVER_ADDRESS")
	if address == "" {
		return s.pick(c, n)
	}
	pid := os.Getppid()
	if c.IsSet("pid") {
		pid = c.Int("pid")
	}
	ports, err := pickFrom(c.Context, address, n, pid)
	var unreachable *net.OpError
	if errors.As(err, &unreachable) {
		s.note("cannot connect to the port server at %s; picking unused ports instead", address)
		return s.pick(c, n)
	}
	if errors.Is(err, portserver.ErrDenied) {
		return nil, denied(address, pid)
	}
	return ports, err
}

// denied is the error for a process that the port server refuses, with the
// likely cause.
func denied(address string, pid int) error {
	hint := "its pool is exhausted; to see who has the ports: devports portserver status --address " + text.QuoteArg(address)
	if _, err := process.Find(pid); pid <= 1 || errors.Is(err, fs.ErrNotExist) {
		hint = "pass the pid of a running process above 1: devports pick --pid $$"
	}
	return fail(exitPort, hint, "the port server at %s denied a port to pid %d", address, pid)
}

// pick finds n different ports that are free and have no lease. It picks at
// random, so that simultaneous picks hardly collide.
func (s session) pick(c *cli.Context, n int) ([]int, error) {
	r, err := s.openRegistry(c)
	if err != nil {
		return nil, err
	}
	leases, err := r.Leases()
	if err != nil {
		return nil, err
	}
	taken := s.assignedPorts()
	for _, l := range leases {
		taken[l.Port] = true
	}
	pool, err := s.pool(allocator.Set{})
	if err != nil {
		return nil, err
	}
	var ports []int
	for range n {
		anything := strconv.FormatUint(rand.Uint64(), 36)
		port, err := pool.Choose(allocator.Key{Project: anything, PortName: allocator.PortName{Service: anything}}, func(port int) bool {
			return !taken[port] && !allocator.Busy(port)
		})
		if errors.Is(err, allocator.ErrNoneLeft) {
			return nil, fail(exitPort, "widen DEVPORTS_RANGE; the default is 10000-29999", "%s left in the range", wording.Few(len(ports), "unused port"))
		}
		if err != nil {
			return nil, err
		}
		taken[port] = true
		ports = append(ports, port)
	}
	return ports, nil
}
