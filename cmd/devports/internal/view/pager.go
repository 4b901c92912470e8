package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// pagerGrace is how long a pager has to end when the view does.
const pagerGrace = 500 * time.Millisecond

// page shows the log of the targeted service in the user's pager, which has the
// terminal until it ends. The stream then continues where it was.
func (l *loop) page() {
	name := l.model.target()
	if l.options.Log == nil {
		l.model.notice = "this run keeps no logs: DEVPORTS_LOGS is off"
		return
	}
	command := pager(os.Getenv("PAGER"), exec.LookPath)
	if command == nil {
		l.model.notice = "no pager: install less, or set PAGER"
		return
	}
	c := l.console
	since := l.options.Output.SetFilter(output.Filter{Nothing: true}, output.Replay{})
	l.stopReading()
	c.screen.Suspend()
	c.apply(c.found.NoSuspend()) // its group is the pager's own: no shell would resume it
	err := l.runPager(command, name)
	fmt.Fprint(c.tty, screen.ResetSequence)
	c.apply(c.found.Keys())
	c.screen.Resume()
	l.listen()
	if err != nil {
		l.model.notice = fmt.Sprintf("the log of %s: %v", name, err)
	}
	if !l.model.paused {
		l.options.Output.SetFilter(l.model.filter(), output.Replay{Since: since, Last: math.MaxInt})
	}
}

// runPager runs a pager on the log of a service. Its exit status is of no
// interest: pagers report the signal of a user who has seen enough.
func (l *loop) runPager(command []string, service string) error {
	out, err := terminal.Reopen(l.console.tty) // of which the pager may change the mode
	if err != nil {
		return err
	}
	defer out.Close()
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = from, out, out
	cmd.Env = os.Environ()
	if os.Getenv("LESS") == "" {
		cmd.Env = append(cmd.Env, "LESS=-R +G") // show colours, begin at the end
	}
	err = terminal.StartForeground(cmd, l.console.tty)
	from.Close()
	if err != nil {
		to.Close()
		return err
	}
	defer terminal.TakeForeground(l.console.tty)
	ctx, cancel := context.WithCancel(l.context)
	defer cancel()
	written := make(chan error, 1)
	go func() {
		defer to.Close()
		written <- l.options.Log(ctx, service, to)
	}()
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // another part of the program may have reaped it
	}()
	select {
	case <-exited:
	case <-l.context.Done():
		terminal.KillGroup(cmd.Process, exited, pagerGrace)
	}
	cancel()
	to.Close()
	err = <-written
	if errors.Is(err, context.Canceled) || errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || isBrokenPipe(err) {
		return nil // the user has seen enough
	}
	return err
}

// pager is the command of the user's pager, or of a usual one; nil if there is
// none.
func pager(variable string, find func(string) (string, error)) []string {
	if variable != "" {
		return []string{"sh", "-c", variable}
	}
	for _, name := range []string{"less", "more"} {
		if path, err := find(name); err == nil {
			return []string{path}
		}
	}
	return nil
}
