package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// slowStart is how long a service may take to listen on its port before doctor
// looks for others.
const slowStart = 2 * time.Second

// examineServices checks on which ports the services of a run listen, and
// whether they respond. reported are services whose command ignores PORT.
func examineServices(ctx context.Context, r control.QueryResult, ports map[string][]int, leases []registry.Lease, reported []string) []Finding {
	if r.Holder == nil {
		return nil
	}
	findings := examineAnswers(ctx, r)
	for _, st := range r.Info.Services {
		if st.PID == 0 || st.Port == 0 || time.Since(st.Since) < slowStart || slices.Contains(reported, st.Service) || slices.Contains(ports[st.Service], st.Port) {
			continue
		}
		// It may listen on its other ports, or for a debugger.
		others := slices.DeleteFunc(ports[st.Service], func(port int) bool {
			return port == launcher.InspectorPort || slices.ContainsFunc(leases, func(l registry.Lease) bool { return l.Port == port && l.Name.Service == st.Service })
		})
		if len(others) == 0 {
			continue
		}
		findings = append(findings, Finding{
			Check: "services", Level: Warning,
			What: fmt.Sprintf("%s ignores PORT: it listens on %s, not %d", st.Service, wording.Numbers(others), st.Port),
			Why:  "other services and the ready check expect it on its PORT",
			Fix:  fmt.Sprintf("use $PORT in its command, as in server --port $PORT, or pin the port in a Portfile: port = %d", others[0]),
		})
	}
	return all(findings, "services", "running services listen on their own ports, or not yet")
}

// examineAnswers repeats the ready checks of a run.
func examineAnswers(ctx context.Context, r control.QueryResult) (findings []Finding) {
	info, err := r.Client().Check(ctx)
	if err != nil {
		return nil // it has ended meanwhile, or examineRuns reports it
	}
	for _, st := range info.Services {
		if st.Unresponsive {
			findings = append(findings, Finding{
				Check: "services", Level: Warning,
				What: st.Service + " is ready, but " + st.Detail,
				Why:  "it hangs, is suspended or is busy: requests to it wait",
				Fix:  "devports restart " + st.Service,
			})
		}
	}
	return findings
}

// portsByService returns the ports on which the processes of each service of a
// run listen.
func (d Doctor) portsByService(ctx context.Context, r control.QueryResult) (map[string][]int, error) {
	ports := map[string][]int{}
	if r.Holder == nil {
		return ports, nil
	}
	listeners, err := d.Listening(ctx, d.Registry)
	for port, processes := range listeners {
		for _, p := range processes {
			if p.Run == r.Note.PID && p.Service != "" && !slices.Contains(ports[p.Service], port) {
				ports[p.Service] = append(ports[p.Service], port)
			}
		}
	}
	for _, list := range ports {
		slices.Sort(list)
	}
	return ports, err
}
