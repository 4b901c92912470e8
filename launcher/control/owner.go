package control

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"slices"

	"github.com/devports/devports/allocator/process"
)

// Owner is the run, and its service, that a process belongs to.
type Owner struct {
	Instance
	Service string // "" if unknown
}

// Owners returns the owners of those processes that a run of this user has
// started, even if it has been killed since. names are the possible names of
// services. Processes are identified by their tags; where these are missing,
// live runs are queried, except the calling process, which knows its own.
func (r Runs) Owners(ctx context.Context, pids []int, names []string) map[int]Owner {
	owners := map[int]Owner{}
	if len(pids) == 0 {
		return owners
	}
	var runs, live []Instance
	for _, i := range r.Instances() {
		if i.Note.ID != "" {
			runs = append(runs, i)
		}
	}
	var unsure []int
	for _, pid := range pids {
		owner, ok := byTag(pid, runs, names)
		if ok {
			owners[pid] = owner
		}
		if !ok || owner.Service == "" {
			unsure = append(unsure, pid)
		}
	}
	if len(unsure) == 0 {
		return owners
	}
	for _, i := range runs {
		if i.Runs() && i.Note.PID != os.Getpid() {
			live = append(live, i)
		}
	}
	for n, services := range processesOf(ctx, live) {
		for service, members := range services {
			for _, pid := range unsure {
				if slices.Contains(members, pid) {
					owners[pid] = Owner{live[n], service}
				}
			}
		}
	}
	return owners
}

// byTag returns the owner of a process that has the tag of one of the runs.
func byTag(pid int, runs []Instance, names []string) (Owner, bool) {
	tag, err := process.TagOf(pid)
	if err != nil || !tag.HasService() {
		return Owner{}, false
	}
	for _, i := range runs {
		run := process.RunTag(i.Note.ID)
		if !tag.SameRun(run) {
			continue
		}
		for _, name := range names {
			if tag == run.Service(name) {
				return Owner{i, name}, true
			}
		}
		return Owner{i, ""}, true
	}
	return Owner{}, false
}

// processesOf queries runs for the processes of their services, concurrently. A
// run that does not respond has none.
func processesOf(ctx context.Context, runs []Instance) []map[string][]int {
	all := make([]map[string][]int, len(runs))
	done := make(chan struct{})
	for n, i := range runs {
		go func() {
			all[n], _ = i.Client().Processes(ctx)
			done <- struct{}{}
		}()
	}
	for range runs {
		<-done
	}
	return all
}

// Processes returns the pids of all live processes, by service.
func (c Client) Processes(ctx context.Context) (processes map[string][]int, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	response, err := c.send(ctx, http.MethodGet, "processes", nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, responseError(response, nil)
	}
	return processes, json.NewDecoder(response.Body).Decode(&processes)
}

func (s server) processes(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r.URL.RawQuery); err != nil {
		s.fail(w, requestError{err})
		return
	}
	processes, err := s.run.Controller.Processes(r.Context())
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(processes)
}
