package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
)

// state is what the page shows besides lines.
type state struct {
	Version   string          `json:"version"`
	Checkouts []checkoutState `json:"checkouts"`
	Points    []pointState    `json:"points"`
}

type checkoutState struct {
	ID         string         `json:"id"`
	Project    string         `json:"project"`
	Worktree   string         `json:"worktree,omitempty"`
	Directory  string         `json:"directory"`
	Branch     string         `json:"branch,omitempty"`
	Commit     string         `json:"commit,omitempty"` // short
	URL        string         `json:"url,omitempty"`
	Background bool           `json:"background,omitempty"`
	PID        int            `json:"pid,omitempty"`
	Since      time.Time      `json:"since,omitzero"`
	Running    bool           `json:"running"`
	Ending     bool           `json:"ending,omitempty"`
	Ended      string         `json:"ended,omitempty"`
	Problem    string         `json:"problem,omitempty"`
	Warning    string         `json:"warning,omitempty"`
	Services   []serviceState `json:"services"`
}

type serviceState struct {
	Name      string         `json:"name"`
	State     launcher.State `json:"state"`
	Label     string         `json:"label"`
	Detail    string         `json:"detail,omitempty"`
	Address   string         `json:"address,omitempty"`
	Port      int            `json:"port,omitempty"`
	PID       int            `json:"pid,omitempty"`
	Since     time.Time      `json:"since,omitzero"`
	Restarts  int            `json:"restarts,omitempty"`
	ReadyMS   float64        `json:"ready_ms,omitempty"`
	Exit      string         `json:"exit,omitempty"`
	RestartAt time.Time      `json:"restart_at,omitzero"`
	CPU       *float64       `json:"cpu,omitempty"` // percent of one processor
	Memory    int64          `json:"memory,omitempty"`
	Lines     bool           `json:"lines"` // it may have output
}

type pointState struct {
	Port     int    `json:"port"`
	Checkout string `json:"checkout,omitempty"` // its ID; "" if it is not listed
	Service  string `json:"service"`
	State    string `json:"state"`
	Detail   string `json:"detail,omitempty"`
}

// inactive is the state of a service that was never started.
const inactive launcher.State = "inactive"

// shortCommit is the length of a commit's name as shown.
const shortCommit = 8

// stateOf describes a checkout.
func stateOf(k checkoutInfo, url string) checkoutState {
	s := checkoutState{
		ID: k.id, Project: k.Project, Worktree: k.Worktree, Directory: k.Directory, URL: url,
		Branch: k.branch, Commit: k.commit[:min(shortCommit, len(k.commit))],
		Running: k.running, Ended: k.ended, Services: []serviceState{},
	}
	if k.running {
		s.PID, s.Since, s.Background = k.instance.Note.PID, k.instance.Note.Since, k.instance.Note.Terminal == ""
		s.Ending, s.Problem, s.Warning = k.info.Ending, k.problem, k.info.Warning
	}
	listed := map[string]bool{}
	for _, st := range byPosition(k.info.Services) {
		listed[st.Service] = true
		service := serviceState{
			Name: st.Service, State: st.State, Label: st.Label(), Detail: st.Detail, Address: st.Address, Port: st.Port,
			Restarts: st.Restarts, Exit: st.Exit, Lines: true,
		}
		if k.running {
			service.PID, service.Since, service.ReadyMS, service.RestartAt = st.PID, st.Since, st.ReadyMS, st.RestartAt
			if l, ok := k.loads[st.Service]; ok && l.pid == st.PID {
				service.CPU, service.Memory = l.cpu, l.memory
			}
		}
		s.Services = append(s.Services, service)
	}
	for _, name := range k.info.Inactive {
		listed[name] = true
		s.Services = append(s.Services, serviceState{Name: name, State: inactive, Label: string(inactive), Lines: slices.Contains(k.stored, name)})
	}
	for _, name := range k.stored { // of a run that has ended before this front started
		if !listed[name] && !k.running {
			s.Services = append(s.Services, serviceState{Name: name, State: inactive, Label: string(inactive), Lines: true})
		}
	}
	return s
}

func byPosition(services []launcher.Status) []launcher.Status {
	return slices.SortedStableFunc(slices.Values(services), func(a, b launcher.Status) int { return cmp.Compare(a.Position, b.Position) })
}

// load is the CPU time and the memory of a service at a time.
type load struct {
	pid    int
	used   int64 // CPU time, in ms
	at     time.Time
	cpu    *float64
	memory int64
}

// after returns the load at d, if l was the load before.
func (l load) after(d launcher.Details) load {
	next := load{pid: d.PID, used: d.CPUMS, at: d.At, memory: d.Memory}
	if passed := d.At.Sub(l.at); l.pid == d.PID && l.pid != 0 && passed > 0 && d.Memory > 0 {
		percent := max(0, float64(d.CPUMS-l.used)/float64(passed.Milliseconds()+1)*100)
		percent = float64(int64(percent*10+0.5)) / 10
		next.cpu = &percent
	}
	return next
}

func identity(n control.Note) Checkout { return Checkout{n.Directory, n.Project, n.Worktree} }

// siteURL is the address of the page of a checkout; "" if it has none.
func siteURL(k checkoutInfo, name string, port int) string {
	for _, st := range k.info.Services {
		if strings.Contains(st.Address, ".localhost:") {
			return fmt.Sprintf("http://%s.localhost:%d", name, port)
		}
	}
	return ""
}
