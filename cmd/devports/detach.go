package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
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
	if p.file.Path == "" {
		return usage("devports up -d -f Portfile", "-d needs a file: standard input cannot be read again")
	}
	scope, err := p.registry.Scope(p.checkout)
	if err != nil {
		return err
	}
	home, err := registry.Home(s.getenv)
	if err != nil {
		return err
	}
	stem := filepath.Join(home, "run", scopeHash(scope))
	wait := waitOptions{timeout: timeout}
	if i, ok := holderOfLock(stem + ".lock"); ok {
		client := control.Dial(i.Socket)
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
	background, err := s.startInBackground(o, stem+".log")
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // nothing to wait for any more
		background.wait()
		stop()
	}()
	client, err := background.client(running, stem+".lock")
	if err == nil {
		err = s.await(ctx, scope, client, nil, wait, isUp)
	}
	if err == nil {
		s.note("%s runs in the background (pid %d): devports logs -f shows what it prints, devports down ends it", scope, background.pid)
		return nil
	}
	select {
	case <-running.Done(): // it has ended, or is about to
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

// startInBackground starts a run in a session of its own: the end of this
// terminal does not reach it. What it prints goes to log.
func (s session) startInBackground(o upOptions, log string) (*background, error) {
	o.Log = cmp.Or(o.Log, log)
	options, err := o.encode()
	if err != nil {
		return nil, err
	}
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
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	process, err := os.StartProcess(program, append([]string{"devports"}, backgroundArguments...), &os.ProcAttr{
		Env: unmarked(s.environ), Files: []*os.File{read, file, file}, Sys: ownSession(),
	})
	read.Close()
	if err != nil {
		return nil, err
	}
	_, _ = write.Write(options) // if it does not read them, it ends, and says why
	return &background{process: process, pid: process.Pid, log: log, from: info.Size()}, nil
}

// unmarked returns an environment without the marks of a service: a run that a
// service of another run starts is not a part of that. What the labels
// DEVPORTS_PROJECT and DEVPORTS_WORKTREE say stays: by them one can tell that
// PORT, say, is not what the user has set.
func unmarked(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == launcher.InstanceVariable || name == "DEVPORTS_SERVICE"
	})
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
