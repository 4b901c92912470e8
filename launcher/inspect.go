package launcher

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/procfile"
)

// Details are a Status and what takes longer to read: the command, the
// environment, and the live processes with their CPU time and memory.
type Details struct {
	Status
	Command     string   `json:"command"` // as the Portfile has it; the arguments of a list are quoted
	Directory   string   `json:"directory"`
	Environment []string `json:"environment"` // of its process, or of the next one: NAME=value, sorted

	// ExitStatus is the exit status of its latest process, as in a shell; nil
	// while the process is alive, and before the first.
	ExitStatus *int `json:"exit_status,omitempty"`

	// PIDs are all live processes of the service. CPUMS is the CPU time they have
	// used so far, in milliseconds, and Memory how many bytes they use; both are 0
	// where the system does not report them. At is when they were read: two
	// Details yield the load.
	PIDs   []int     `json:"pids,omitempty"`
	CPUMS  int64     `json:"cpu_ms,omitempty"`
	Memory int64     `json:"memory,omitempty"`
	At     time.Time `json:"at"`
}

// Inspect returns the Details of a service. The error may be an
// *UnknownServiceError or ErrEnded.
func (c *Controller) Inspect(ctx context.Context, service string) (d Details, err error) {
	var child child
	failed := c.call(ctx, func(s *supervisor) {
		sv, known := s.services[service]
		if !known {
			err = &UnknownServiceError{[]string{service}, slices.Clone(s.names)}
			return
		}
		spec := sv.spec
		if sv.phase.live() {
			spec, child = sv.procSpec, s.childOf(service)
		}
		d = Details{Status: s.statusOf(service), Command: commandLine(spec), Directory: spec.Dir, Environment: slices.Sorted(slices.Values(spec.Env.List()))}
		if sv.exit != nil && !sv.phase.live() {
			status := sv.exit.Status
			d.ExitStatus = &status
		}
	})
	if failed != nil {
		return d, failed
	}
	d.At = time.Now()
	if child != nil { // which takes a while: not in the supervisor's goroutine
		d.PIDs = child.Members()
		for _, pid := range d.PIDs {
			used, _ := process.ReadUsage(pid) // it may have ended
			d.CPUMS += used.CPU.Milliseconds()
			d.Memory += used.Memory
		}
	}
	return d, err
}

// commandLine is the command of a process, as its user would type it.
func commandLine(spec procfile.Process) string {
	if spec.Container != nil {
		return spec.Container.Kind()
	}
	if spec.Shell != "" {
		return spec.Shell
	}
	words := make([]string, len(spec.Argv))
	for i, arg := range spec.Argv {
		words[i] = text.QuoteSh(arg)
	}
	return strings.Join(words, " ")
}
