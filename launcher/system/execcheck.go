package system

import (
	"context"
	"fmt"
	"os"

	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/procfile"
)

// execCheck returns a Try that succeeds when a command does, in the directory
// and environment of a process.
func (s *processSet) execCheck(spec procfile.Process, command string) probe.Try {
	return func(ctx context.Context) error {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer null.Close()
		check := procfile.Process{Service: spec.Service, Shell: command}
		argv := shellCommand(command)
		env := spec.Env.List()
		path, err := LookPath(argv[0], spec.Dir, env)
		if err != nil {
			return err
		}
		g, exit, err := s.start(spec.Service, path, argv, &os.ProcAttr{
			Dir: spec.Dir, Env: s.environ(env), Files: []*os.File{null, null, null}, Sys: processAttributes(check, false),
		})
		if err != nil {
			return err
		}
		defer g.discard()
		select {
		case e := <-exit:
			if e.Status != 0 {
				return fmt.Errorf("%s %v", command, e)
			}
			return nil
		case <-ctx.Done():
			g.Kill()
			<-exit
			return ctx.Err()
		}
	}
}
