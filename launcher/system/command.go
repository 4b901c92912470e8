package system

import "os"

// command is what a process runs: a program with its arguments, or a line for the
// shell where there are none.
type command struct {
	argv  []string
	shell string
}

// startCommand makes a process that bears the mark of the run, see start. attr is
// changed.
func (s *processSet) startCommand(owner string, c command, attr *os.ProcAttr) (*group, <-chan Exit, error) {
	env := attr.Env
	argv := c.argv
	if len(argv) == 0 {
		if path, argv, shellEnv, ok := withoutShell(c.shell, attr.Dir, env); ok {
			attr.Env = s.environ(shellEnv)
			if g, exit, err := s.start(owner, path, argv, attr); err == nil {
				return g, exit, nil
			} // or else the shell says why not, or reads the file itself
		}
		argv = shellCommand(c.shell)
	}
	path, err := LookPath(argv[0], attr.Dir, env)
	if err != nil {
		return nil, nil, err
	}
	attr.Env = s.environ(env)
	return s.start(owner, path, argv, attr)
}
