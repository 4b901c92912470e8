package portserver

import "errors"

// process is one life of a pid: the system gives pids out again, but not with the
// same time of start.
type process struct {
	pid   int
	start uint64 // in the system's own unit
}

// errNoProcess is what startTime returns if no process has the pid. With any
// other error the system does not tell.
var errNoProcess = errors.New("no process has this pid")

// alive reports whether p exists, be it as a zombie. It does if the system does
// not tell: better to withhold a port than to hand it out twice.
func (p process) alive() bool {
	start, err := startTime(p.pid)
	if err != nil {
		return !errors.Is(err, errNoProcess)
	}
	return start == p.start
}

// census remembers which processes are alive, for as long as one question is
// looked into. A test suite owns hundreds of ports, and is looked up once.
type census map[process]bool

func (c census) alive(p process) bool {
	alive, known := c[p]
	if !known {
		alive = p.alive()
		c[p] = alive
	}
	return alive
}
