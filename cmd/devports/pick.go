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
)

var pickCommand = command{
	name:    "pick",
	instead: "devports port %s keeps one for a name",
	usage:   "print ports that are free for the moment",
	help: `
Prints ports that are free now and kept for nobody. They are not kept for you
either: for a port that stays, give it a name with devports port.

Where PORTSERVER_ADDRESS names a port server, the ports come from that: then they
are kept for the process that called devports, until it ends.

Example:
  devports pick
  devports pick -n 3`,
	flags: []cli.Flag{
		&cli.IntFlag{Name: "n", Value: 1, Base: 10, Usage: "print `N` different ports", DefaultText: "1"},
		&cli.IntFlag{Name: "pid", Base: 10, Usage: "from a port server, get ports that are `PID`'s until it ends", DefaultText: "the process that called devports"},
		jsonFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		if c.Int("n") < 1 {
			return usage("devports pick -n 3", "-n takes a number from 1, not %d", c.Int("n"))
		}
		ports, err := s.pickOrAsk(c)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return s.json(ports)
		}
		for _, port := range ports {
			if _, err := fmt.Fprintln(s.stdout, port); err != nil {
				return err
			}
		}
		return nil
	},
}

// pickOrAsk gets ports from the port server, where there is one.
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
		s.note("the port server at %s cannot be reached: ports that are free now are picked instead", address)
		return s.pick(c, n)
	}
	if errors.Is(err, portserver.ErrDenied) {
		return nil, denied(address, pid)
	}
	return ports, err
}

// denied is the error for a process that a port server gives no port, with the
// likely cause.
func denied(address string, pid int) error {
	hint := "the ports of its pool are taken: devports portserver status --address " + text.QuoteSh(address) + " shows by whom"
	if _, err := process.Find(pid); pid <= 1 || errors.Is(err, fs.ErrNotExist) {
		hint = "ports are for a process that runs, with a pid above 1: devports pick --pid $$"
	}
	return fail(exitPort, hint, "the port server at %s gives pid %d no port", address, pid)
}

// pick finds n different ports that are free and that no lease has, at random,
// so that two who pick at the same time hardly come to the same.
func (s session) pick(c *cli.Context, n int) ([]int, error) {
	r, err := s.openRegistry(c)
	if err != nil {
		return nil, err
	}
	leases, err := r.Leases()
	if err != nil {
		return nil, err
	}
	taken := s.handedOutPorts()
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
			return nil, fail(exitPort, "DEVPORTS_RANGE=10000-29999 is the default", "only %d such ports are left", len(ports))
		}
		if err != nil {
			return nil, err
		}
		taken[port] = true
		ports = append(ports, port)
	}
	return ports, nil
}
