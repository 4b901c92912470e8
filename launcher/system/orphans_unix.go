//go:build unix

package system

import (
	"slices"
	"time"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// orphansOf returns the processes of a service that have left its group, with
// setsid or by daemonizing. It finds them once the service's process has ended.
// out are those outside the run.
func (s *processSet) orphansOf(service string) (ours, out []proctree.Process) {
	if s.mark.Variable == "" {
		return nil, nil
	}
	for end := time.Now().Add(maxSearch); s.mayHaveOrphans(); {
		tree, err := s.snapshots.Take()
		if err != nil {
			return nil, nil
		}
		var ended bool
		ours, out, ended = s.orphansIn(tree, service)
		if len(ours) > 0 || time.Now().After(end) || !ended && s.hasAllOrphans(tree) {
			break
		}
	}
	return ours, out
}

// hasAllOrphans reports whether no process was adopted after a snapshot. Where
// processes start and end all the time, a snapshot can miss one.
func (s *processSet) hasAllOrphans(tree proctree.Tree) bool {
	s.reap()
	s.mu.Lock()
	missing := make(map[int]bool, len(s.orphans))
	for _, pid := range s.orphans {
		missing[pid] = true
	}
	s.mu.Unlock()
	for _, p := range tree.Where(func(p proctree.Process) bool { return missing[p.PID] }) {
		delete(missing, p.PID)
	}
	return len(missing) == 0
}

// maxSearch limits how long the orphans are listed again because one of them
// has ended before its marks could be read: each process of a chain may start
// the next and end.
const maxSearch = 3 * time.Second

// findOutside finds the processes outside the run among the orphans, if these have
// changed since the last call, or since the one before: a new orphan may not have
// called exec yet. A service that only keeps an orphan running costs no list of all
// processes each time.
func (s *processSet) findOutside() {
	s.reap() // to update the orphans and the watchdog: no signal reports a new orphan
	s.mu.Lock()
	changed := !slices.Equal(s.orphans, s.searched)
	search := len(s.orphans) > 0 && (changed || s.searchAgain)
	s.searched, s.searchAgain = s.orphans, changed
	s.mu.Unlock()
	if !search {
		return
	}
	tree, err := s.snapshots.Take()
	if err != nil {
		return
	}
	s.groups.Range(func(_, value any) bool {
		g := value.(*group)
		_, out, _ := s.orphansIn(tree, g.service)
		s.recordOutside(g.service, out)
		return true
	})
}

// inGroup reports whether a process is in the group or session of a service.
func (s *processSet) inGroup(p proctree.Process) (in bool) {
	s.groups.Range(func(_, g any) bool {
		in = g.(*group).has(p)
		return !in
	})
	return in
}

// marked reports whether a process belongs to a service of the run.
func (s *processSet) marked(pid int, service string) bool {
	if tag, err := process.TagOf(pid); err == nil && tag.HasService() {
		return tag == s.mark.Run.Service(service)
	}
	env, err := process.Environ(pid)
	return err == nil && slices.Contains(env, s.mark.Variable) && slices.Contains(env, envvar.Service+"="+service)
}

// recordOutside records processes outside the run. The first time, it replaces
// the run's tag of each and of its descendants with process.Outside.
func (s *processSet) recordOutside(service string, out []proctree.Process) {
	for _, p := range out {
		s.mu.Lock()
		_, known := s.outsideSeen[p.ID]
		if !known {
			s.outsideSeen[p.ID] = outsideProcess{service: service}
		}
		s.mu.Unlock()
		if !known {
			s.setAmbiguous()
			tagOutside(p)
		}
	}
}

// setAmbiguous records that there is a process outside the run. Without tags,
// its children look like those of a service.
func (s *processSet) setAmbiguous() {
	if tag, err := process.TagOf(0); err != nil || tag == 0 {
		s.ambiguous.Store(true)
	}
}

// leaveRunning returns the processes outside the run that outlive a service,
// each process once. out are those found now.
func (s *processSet) leaveRunning(service string, out []proctree.Process) (left []Orphan) {
	s.recordOutside(service, out)
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, seen := range s.outsideSeen {
		if seen.service == service && !seen.reported && id.Alive() {
			seen.reported = true
			s.outsideSeen[id] = seen
			left = append(left, Orphan{PID: id.PID, Service: service, Command: process.Command(id.PID)})
		}
	}
	slices.SortFunc(left, func(a, b Orphan) int { return a.PID - b.PID })
	return left
}

// hasLeftRunning reports whether leaveRunning has found processes of a service,
// which may have ended since.
func (s *processSet) hasLeftRunning(service string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seen := range s.outsideSeen {
		if seen.service == service && seen.reported {
			return true
		}
	}
	return false
}

// tagOutside attaches process.Outside to a process and its descendants.
func tagOutside(p proctree.Process) {
	_ = process.Outside.Attach(p.PID)
	if tree, err := proctree.Snapshot(); err == nil {
		for _, p := range tree.Below(p.PID) {
			_ = process.Outside.Attach(p.PID)
		}
	}
}
