package main

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/devports/devports/allocator/holder/engine"
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

// announce gives the services their named addresses. An edit may change the name
// of the checkout, or add the first service with an address.
func (u *upRun) announce(id string) (stop func()) {
	plan := u.plan
	changed, unwatch := u.controller.Watch()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer unwatch()
		if !awaitQuiet(ctx, changed) {
			return
		}
		place, err := u.session.frontPlace()
		if err != nil {
			return
		}
		for site := u.announced(plan); ctx.Err() == nil; {
			stop := func() {}
			if site.URL("") != "" {
				names := front.Announce(u.announcement(ctx, place, site, id, changed))
				u.names.Store(names)
				stop = names.Stop
			}
			for before := site; site == before && ctx.Err() == nil; {
				select {
				case site = <-u.sites:
				case <-ctx.Done():
				}
			}
			stop()
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (u *upRun) announcement(ctx context.Context, place front.Place, site procfile.Site, id string, changed <-chan struct{}) front.Announcement {
	return front.Announcement{
		Place: place,
		Run: front.Run{
			ID: id, Site: site.Name, Project: site.Project, Worktree: site.Worktree,
			Directory: u.scope.Directory, PID: os.Getpid(),
		},
		Start: func() error {
			argv, err := frontProgram(site.Port)
			if err != nil {
				return err
			}
			_, err = u.controller.StartOutside(ctx, argv...)
			return err
		},
		Services:  u.routes,
		Changed:   changed,
		Processes: u.controller.ProcessesOf,
		Publishes: func(ctx context.Context, service string, on netip.AddrPort) bool {
			return engine.Publishes(ctx, u.session.getenv, id, service, on)
		},
		Lines: u.lastLines,
		Note:  func(text string) { u.session.note("%s", text) },
	}
}

// announced is the site of a plan for the front, which also knows services
// without a named address: a port may point to them.
func (u *upRun) announced(plan procfile.Plan) procfile.Site {
	hasPort := slices.ContainsFunc(plan.Services, func(p procfile.Process) bool { return p.Port != 0 })
	if plan.Site.URL("") != "" || u.options.NoFront || !hasPort {
		return plan.Site
	}
	return procfile.Site{
		Name: u.scope.Name(), Port: u.session.frontPort(),
		Project: u.scope.Project, Worktree: u.scope.Worktree,
	}
}

// moveNames announces the names of a plan in place of the previous ones.
func (u *upRun) moveNames(plan procfile.Plan) {
	if hasContainers(plan) {
		u.containers.Store(true)
	}
	select {
	case <-u.sites:
	default:
	}
	u.sites <- u.announced(plan)
}

// drain lets a service finish the requests that it has got by its named address.
func (u *upRun) drain(ctx context.Context, service string) {
	if names := u.names.Load(); names != nil {
		names.Drain(ctx, service)
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
			Name: st.Service, Host: st.Host, Port: st.Port, Address: st.Address, HostHeader: st.HostHeader, NamedPorts: st.NamedPorts,
			State: st.State, Detail: st.Detail, Restarts: st.Restarts, PID: st.PID,
			Exit: st.Exit, LastStarted: st.LastStarted.Round(0).UTC(), RestartAt: st.RestartAt.Round(0).UTC(), WrongPorts: st.WrongPorts,
		}
	}
	return services, err
}
