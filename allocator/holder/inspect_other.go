//go:build !linux

package holder

import (
	"context"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// Inspect returns the visible fields of a process, except Address. For a
// missing process, it returns only the PID.
func Inspect(ctx context.Context, pid int) Process {
	p := Process{PID: pid}
	proc := &process.Process{Pid: int32(pid)}
	p.Command, _ = proc.CmdlineWithContext(ctx)
	if p.Command == "" {
		p.Command, _ = proc.NameWithContext(ctx)
	}
	p.Directory, _ = proc.CwdWithContext(ctx)
	p.User, _ = proc.UsernameWithContext(ctx)
	if ms, err := proc.CreateTimeWithContext(ctx); err == nil {
		p.Since = time.UnixMilli(ms)
	}
	environ, _ := proc.EnvironWithContext(ctx)
	return labelled(p, environ)
}
