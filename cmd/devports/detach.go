package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
)

// backgroundArguments are all arguments of a run in the background. It has its
// options from standard input: nothing that is typed comes back as an argument,
// so these words never mean "in the background" again.
var backgroundArguments = []string{"up", "(background)"}

// upInBackground is the whole life of a run in the background.
func (s session) upInBackground() error {
	o, err := decodeUpOptions(s.stdin)
	if err != nil {
		return usage("devports up -d starts one", "a run in the background cannot read its options: %v", err)
	}
	s.stdin = strings.NewReader("")
	return s.up(o)
}

// detach has an `up` of the project run in the background, and waits until its
// services are ready. If one does run, what does not run of it is started.
func (s session) detach(ctx context.Context, o upOptions, timeout time.Duration) error {
	p, _, err := o.open(s)
	if err != nil {
		return err
	}
	if p.File.Path == "" {
		return usage("devports up -d -f Portfile", "-d needs a file: standard input or a pipe cannot be read again")
	}
	scope, err := p.Scope()
	if err != nil {
		return err
	}
	slot, err := s.slot(scope)
	if err != nil {
		return err
	}
	wait := waitOptions{timeout: timeout}
	if i, ok := slot.Running(); ok {
		client := i.Client()
		info, err := client.Status(ctx)
		if err != nil {
			return steeringFailed(scope, err)
		}
		idle := idleServices(info.Services, o.Services)
		if len(idle) > 0 {
			if _, err := client.Start(ctx, idle...); err != nil {
				return steeringFailed(scope, err)
			}
		}
		return s.await(ctx, scope, client, nil, wait, isUp)
	}
	background, err := s.startInBackground(o, slot)
	if err != nil {
		return err
	}
	client, err := background.AwaitClaim(ctx)
	if err == nil {
		err = s.await(ctx, scope, client, nil, wait, isUp)
	}
	if err == nil {
		s.note("%s runs in the background (pid %d): devports logs -f shows what it prints, devports down ends it", scope, background.PID)
		return nil
	}
	if status, ended := background.AwaitEnd(exitGrace); ended {
		fmt.Fprint(s.stderr, background.Output())
		return failure{status: max(status, exitFailed)}
	}
	return err
}

// exitGrace is how long a run may take to end after it has said that it will.
const exitGrace = 500 * time.Millisecond

// idleServices are those that have ended, of the ones named or of all.
func idleServices(all []launcher.Status, names []string) (idle []string) {
	for _, st := range all {
		if st.Ended() && st.State != launcher.StateDone && (len(names) == 0 || slices.Contains(names, st.Service)) {
			idle = append(idle, st.Service)
		}
	}
	return idle
}

// startInBackground starts a run that prints to the log of its slot, unless the
// options name another.
func (s session) startInBackground(o upOptions, slot control.Slot) (*control.Background, error) {
	o.Log = cmp.Or(o.Log, slot.Log())
	options, err := o.encode()
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return slot.Spawn(control.Program{
		Path: program, Args: append([]string{"devports"}, backgroundArguments...), Env: s.environ, Input: options,
	})
}
