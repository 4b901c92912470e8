package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/registry"
)

// psWatch prints the services of a run, and again whenever they have changed,
// until the run ends or a signal arrives. On a terminal each table replaces the
// one before it.
func (s session) psWatch(c *cli.Context, i control.Instance, scope registry.Scope) error {
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	window, _, unwatch := s.window()
	defer unwatch()
	if s.unattended() != "" {
		window = nil
	}
	var shown []byte
	rows := 0
	err := i.Client().Watch(ctx, func(info control.Info) error {
		s.addUsers(c, info)
		block, err := s.watchBlock(c.Bool("json"), infoOf(i, info))
		if err != nil || bytes.Equal(block, shown) {
			return err
		}
		separate := len(shown) > 0 && !c.Bool("json")
		shown = block
		if window != nil && !c.Bool("json") {
			block, rows = redraw(block, rows, window())
			_, err = fileOf(s.stdout).Write(block)
			return err
		}
		if separate {
			block = append([]byte("\n"), block...)
		}
		_, err = s.stdout.Write(block)
		return err
	})
	switch {
	case err != nil && ctx.Err() != nil: // a signal
		return nil
	case err != nil:
		return requestFailed(scope, err)
	case !c.Bool("json"):
		fmt.Fprintf(s.stdout, "%s has ended\n", scope)
	}
	return nil
}

// watchBlock is what ps prints for a run; as JSON, on one line.
func (s session) watchBlock(asJSON bool, run runInfo) ([]byte, error) {
	var block bytes.Buffer
	if asJSON {
		e := json.NewEncoder(&block)
		e.SetEscapeHTML(false)
		err := e.Encode(runsOutput{Runs: []runInfo{run}})
		return block.Bytes(), err
	}
	s.stdout = &block
	err := s.psTable(run.Services)
	return block.Bytes(), err
}

// redraw returns block with the control sequences that make it replace the rows
// above the cursor, and how many rows it has. What does not fit on the terminal
// is left out.
func redraw(block []byte, above int, size terminal.Size) (out []byte, rows int) {
	if above > 0 {
		out = fmt.Appendf(out, "\x1b[%dA", above)
	}
	out = append(out, "\r\x1b[J"...)
	lines := strings.Split(strings.TrimSuffix(string(block), "\n"), "\n")
	if most := max(size.Rows-1, 1); len(lines) > most {
		lines = lines[:most]
	}
	for _, line := range lines {
		out = append(out, screen.Truncate(line, size.Columns)+"\n"...)
	}
	return out, len(lines)
}

// refuseWatch returns an error if ps has options that --watch does not go with.
func refuseWatch(c *cli.Context) error {
	for _, option := range []string{"all", "check", "socket"} {
		if c.Bool(option) {
			return usage("devports ps --watch", "--watch and --%s cannot be used together", option)
		}
	}
	return nil
}
