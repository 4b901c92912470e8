package system

import "fmt"

// Exit is how a process ended.
type Exit struct {
	Status    int    // as a shell has it: 128 + n for a signal, 126 and 127 for a process that could not be made
	Signal    string // the signal's name, if one ended it
	Requested bool   // devports had asked for it
	Err       error  // why the process could not be made or waited for
}

// Failed reports whether the exit is one that `up` fails for.
func (e Exit) Failed() bool { return e.Status != 0 && !e.Requested }

// String words the exit: "exited with status 3", "was killed by SIGKILL".
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Signal != "":
		return "was killed by SIG" + e.Signal
	}
	return fmt.Sprintf("exited with status %d", e.Status)
}
