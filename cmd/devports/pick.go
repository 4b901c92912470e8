package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
)

var pickCommand = command{
	name:  "pick",
	usage: "print ports that are free for the moment",
	help: `
Prints ports that are free now and kept for nobody. They are not kept for you
either: for a port that stays, give it a name with devports port.

Example:
  devports pick
  devports pick -n 3`,
	flags: []cli.Flag{
		&cli.IntFlag{Name: "n", Value: 1, Usage: "print `N` different ports", DefaultText: "1"},
		jsonFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		if c.NArg() > 0 {
			return usage("devports port "+c.Args().First()+" keeps one for a name", "pick takes no names")
		}
		if c.Int("n") < 1 {
			return usage("devports pick -n 3", "-n takes a number from 1, not %d", c.Int("n"))
		}
		ports, err := s.pick(c, c.Int("n"))
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
	taken := map[int]bool{}
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
		port, err := pool.Choose(allocator.Key{Project: anything, Service: anything}, func(port int) bool {
			return !taken[port] && !busy(port)
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
