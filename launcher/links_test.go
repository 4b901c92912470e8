package launcher

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/devports/devports/procfile"
)

// Whatever happens, in whatever order: a service that has something to do was
// touched, and the earliest deadline is that of a service.
func TestTouched(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		m := machine{services: map[string]service{}, removedDowntime: map[string]downtime{}, watching: true, maxBuilds: 2}
		m.applyPlan(linkedPlan(r))
		now := time.Now()
		apply := func(name string, e event) {
			after, _ := m.services[name].next(now, e)
			m.set(name, after)
			if after.phase == removed {
				m.removedDowntime[name] = after.downtime
				m.remove(name)
			}
		}
		advance := func() {
			for n := 0; len(m.touched) > 0; n++ {
				if n > 1000 {
					t.Fatalf("seed %d: this does not end", seed)
				}
				for _, name := range m.takeTouched() {
					if kind, due := m.nextEvent(name); due {
						apply(name, event{kind: kind, outage: m.rerunOutage(name)})
					}
				}
			}
		}
		for n := range 200 {
			advance()
			var earliest time.Time
			for _, name := range m.names {
				if kind, due := m.nextEvent(name); due {
					t.Fatalf("seed %d, step %d: %s is due to %v, and was not touched", seed, n, name, kind)
				}
				for _, d := range []time.Time{m.services[name].deadline, m.services[name].build.deadline} {
					if !d.IsZero() && (earliest.IsZero() || d.Before(earliest)) {
						earliest = d
					}
				}
			}
			if got := m.deadline(); !got.Equal(earliest) {
				t.Fatalf("seed %d, step %d: the deadline is %v, want %v", seed, n, got, earliest)
			}
			now = now.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
			switch c := r.IntN(100); {
			case c == 0 && n > 100:
				m.startClosing()
			case c < 4 && !m.closing:
				_, steps := m.applyPlan(linkedPlan(r))
				for _, step := range steps {
					apply(step.service, event{kind: step.kind})
				}
			case len(m.names) > 0:
				e := event{kind: eventKind(r.IntN(len(eventNames)))}
				if e.kind == evStart || e.kind == evBuild || e.kind == evStopToBuild {
					continue // these are due or not
				}
				e.exit = Exit{Status: r.IntN(2)}
				name := m.names[r.IntN(len(m.names))]
				e.outage = m.dependencyOutage(name, now)
				apply(name, e)
			}
		}
	}
}

func linkedPlan(r *rand.Rand) (p procfile.Plan) {
	for i := range r.IntN(7) {
		s := procfile.Process{Service: fmt.Sprint("s", i), Restart: []procfile.Restart{procfile.RestartNo, procfile.RestartOnFailure, procfile.RestartAlways}[r.IntN(3)], StopTimeout: time.Second}
		s.Shell = fmt.Sprint(r.IntN(2))
		s.Ready.Kind = []procfile.CheckKind{procfile.None, procfile.TCP, procfile.Done}[r.IntN(3)]
		if s.Ports = []int{8000 + r.IntN(5)}; r.IntN(3) == 0 {
			s.Build.Shell = "make"
		}
		for on := range i {
			if r.IntN(3) == 0 {
				s.DependsOn = append(s.DependsOn, fmt.Sprint("s", on))
			}
		}
		p.Services = append(p.Services, s)
	}
	slices.Reverse(p.Services)
	return p
}
