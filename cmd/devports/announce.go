package main

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/devports/devports/launcher/front"
	"github.com/devports/devports/procfile"
)

// startQuiet is how long nothing may have happened before a run is announced:
// starting a front takes processor time that the services need for their start.
// startLatest limits that.
const (
	startQuiet  = 15 * time.Millisecond
	startLatest = 250 * time.Millisecond
)

// announce gives the services their named addresses, and makes them known to
// points, which may lead to services without a name.
func (u *upRun) announce(id string) (stop func()) {
	hasPort := slices.ContainsFunc(u.plan.Services, func(p procfile.Process) bool { return p.Port != 0 })
	if u.options.NoFront || u.plan.Site.URL("") == "" && !hasPort {
		return func() {}
	}
	changed, unwatch := u.controller.Watch()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer unwatch()
		if !awaitQuiet(ctx, changed) {
			return
		}
		site := procfile.Site{Name: u.scope.Name(), Port: u.session.frontPort()}
		place, err := u.session.frontPlace()
		if err != nil || site.Port == 0 {
			return
		}
		stop := front.Announce(front.Announcement{
			Place: place,
			Run: front.Run{
				ID: id, Site: site.Name, Project: u.scope.Project, Worktree: u.scope.Worktree,
				Directory: u.scope.Directory, PID: os.Getpid(),
			},
			Start: func() error {
				argv, err := frontProgram(site.Port)
				if err != nil {
					return err
				}
				return u.controller.StartOutside(ctx, argv...)
			},
			Services:  u.routes,
			Changed:   changed,
			Processes: u.controller.ProcessesOf,
			Lines:     u.lastLines,
			Note:      func(text string) { u.session.note("%s", text) },
		})
		<-ctx.Done()
		stop()
	}()
	return func() {
		cancel()
		<-done
	}
}

// awaitQuiet waits until the services have been started.
func awaitQuiet(ctx context.Context, changed <-chan struct{}) bool {
	latest := time.NewTimer(startLatest)
	defer latest.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-changed:
			continue
		case <-latest.C:
		case <-time.After(startQuiet):
		}
		return true
	}
}

// lastLines are the last lines of a service's latest process, for the pages of
// the front.
func (u *upRun) lastLines(service string, n int) []string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	all, _ := u.controller.Status(ctx)
	for _, st := range all {
		if st.Service == service {
			return u.display.tail.Last(service, n, st.LastStarted)
		}
	}
	return nil
}

// routes are the services for the front.
func (u *upRun) routes(ctx context.Context) ([]front.Service, error) {
	all, err := u.controller.Status(ctx)
	services := make([]front.Service, len(all))
	for i, st := range all {
		services[i] = front.Service{
			Name: st.Service, Host: st.Host, Port: st.Port, Address: st.Address, HostHeader: st.HostHeader,
			State: st.State, Detail: st.Detail, Restarts: st.Restarts, PID: st.PID,
			Exit: st.Exit, LastStarted: st.LastStarted.Round(0).UTC(), RestartAt: st.RestartAt.Round(0).UTC(), WrongPorts: st.WrongPorts,
		}
	}
	return services, err
}
