package system

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/procfile"
)

// execCheck returns a Try that succeeds when a command does, in the directory
// and environment of a process.
func (s *processSet) execCheck(spec procfile.Process, line string) probe.Try {
	return func(ctx context.Context) error {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer null.Close()
		check := procfile.Process{Service: spec.Service, Shell: line, Env: spec.Env}
		g, exit, err := s.startCommand(spec.Service, command{shell: line}, spec.Env, &os.ProcAttr{
			Dir: spec.Dir, Files: []*os.File{null, null, null}, Sys: processAttributes(check, false),
		})
		if err != nil {
			return err
		}
		defer g.discard()
		select {
		case e := <-exit:
			if e.Status != 0 {
				return fmt.Errorf("%s %v", line, e)
			}
			return nil
		case <-ctx.Done():
			g.Kill()
			select {
			case <-exit:
			case <-time.After(KillTimeout): // it waits for a file system that hangs
			}
			return ctx.Err()
		}
	}
}
