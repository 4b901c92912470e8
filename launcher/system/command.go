package system

import (
	"os"
	"sync"

	"github.com/devports/devports/procfile"
)

// command is what a process runs: a program with its arguments, or a line for the
// shell where there are none.
type command struct {
	argv  []string
	shell string
}

// environLists holds lists of variables that are not in use. Each process is
// given all variables of the plan, so with a list of its own, the start of n
// services would take memory for n² variables. A list is never nil, which stands
// for the environment of devports.
var environLists = sync.Pool{New: func() any { return &[]string{} }}

// keepEnviron keeps the memory of a list for another one.
func keepEnviron(list *[]string, used []string) {
	clear(used)
	if used != nil {
		*list = used[:0]
	}
	environLists.Put(list)
}

// startCommand makes a process that bears the mark of the run, with the variables
// of env: see start. attr is changed.
func (s *processSet) startCommand(owner string, c command, vars procfile.Environment, attr *os.ProcAttr) (*group, <-chan Exit, error) {
	list := environLists.Get().(*[]string)
	env := vars.AppendTo(*list)
	defer func() { keepEnviron(list, env) }()
	argv := c.argv
	if len(argv) == 0 {
		list := environLists.Get().(*[]string)
		path, direct, shellEnv, ok := withoutShell(c.shell, attr.Dir, env, *list)
		defer func() { keepEnviron(list, shellEnv) }()
		if ok {
			shellEnv = s.environ(shellEnv)
			attr.Env = shellEnv
			if g, exit, err := s.start(owner, path, direct, attr); err == nil {
				return g, exit, nil
			} // or else the shell says why not, or reads the file itself
		}
		argv = shellCommand(c.shell)
	}
	path, err := LookPath(argv[0], attr.Dir, env)
	if err != nil {
		return nil, nil, err
	}
	env = s.environ(env)
	attr.Env = env
	return s.start(owner, path, argv, attr)
}
