package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// detach has an `up` of the project run in the background, and waits until its
// services are ready. If one does run, what does not run of it is started.
func (s session) detach(c *cli.Context, p project.Project) error {
	if p.File.Path == "" {
		return usage("devports up -d -f Portfile", "-d needs a file: standard input cannot be read again")
	}
	scope, err := p.Scope()
	if err != nil {
		return err
	}
	home, err := registry.Home(s.getenv)
	if err != nil {
		return err
	}
	stem := filepath.Join(home, "run", scopeHash(scope))
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	if i, ok := holderOfLock(stem + ".lock"); ok {
		client := control.Dial(i.Socket)
		info, err := client.Status(ctx)
		if err != nil {
			return steeringFailed(scope, err)
		}
		idle := idleServices(info.Services, c.Args().Slice())
		if len(idle) > 0 {
			if _, err := client.Start(ctx, idle...); err != nil {
				return steeringFailed(scope, err)
			}
		}
		return s.await(c, scope, client, nil, isUp)
	}
	background, err := s.startInBackground(stem + ".log")
	if err != nil {
		return err
	}
	go func() { // nothing to wait for any more
		background.wait()
		stop()
	}()
	client, err := background.client(ctx, stem+".lock")
	if err == nil {
		err = s.await(c, scope, client, nil, isUp)
	}
	if err == nil {
		s.note("%s runs in the background (pid %d): devports logs -f shows what it prints, devports down ends it", scope, background.pid)
		return nil
	}
	select {
	case <-ctx.Done(): // it has ended, or is about to
		fmt.Fprint(s.stderr, background.said())
		return failure{status: max(background.status, exitFailed)}
	case <-time.After(ending):
		return err
	}
}

// ending is how long a run may take to end after it has said that it will.
const ending = 500 * time.Millisecond

// idleServices are those that have ended, of the ones named or of all.
func idleServices(all []launcher.Status, names []string) (idle []string) {
	for _, st := range all {
		if st.Ended() && st.State != launcher.StateDone && (len(names) == 0 || slices.Contains(names, st.Service)) {
			idle = append(idle, st.Service)
		}
	}
	return idle
}

// background is an `up` that has been started in the background.
type background struct {
	process *os.Process
	pid     int
	log     string
	from    int64 // where what it says begins in log
	status  int   // once wait has returned
}

// startInBackground starts this very command again, without -d, in a session of
// its own: the end of this terminal does not reach it.
func (s session) startInBackground(log string) (*background, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	process, err := os.StartProcess(program, attached(os.Args, log), &os.ProcAttr{
		Env: s.environ, Files: []*os.File{null, file, file}, Sys: ownSession(),
	})
	if err != nil {
		return nil, err
	}
	return &background{process: process, pid: process.Pid, log: log, from: info.Size()}, nil
}

// attached are the arguments of `up` without -d, and with the log that it then
// writes.
func attached(args []string, log string) []string {
	i := slices.Index(args, "up") + 1
	options := []string{"--log", log}
	for _, a := range args[i:] {
		switch a {
		case "-d", "--d", "-detach", "--detach":
		default:
			options = append(options, a)
		}
	}
	return append(slices.Clone(args[:i]), options...)
}

func (b *background) wait() {
	if state, err := b.process.Wait(); err == nil {
		b.status = state.ExitCode()
	}
}

// client waits until the run can be steered.
func (b *background) client(ctx context.Context, lock string) (control.Client, error) {
	for {
		if i, ok := holderOfLock(lock); ok && i.PID == b.pid {
			return control.Dial(i.Socket), nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return control.Client{}, ctx.Err()
		}
	}
}

// said is what the run has said so far.
func (b *background) said() string {
	file, err := os.Open(b.log)
	if err != nil {
		return ""
	}
	defer file.Close()
	if _, err := file.Seek(b.from, io.SeekStart); err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	var text strings.Builder
	_, _ = io.Copy(&text, file)
	return text.String()
}
