package system

import "fmt"

// Exit describes how a process ended.
type Exit struct {
	Status    int    // as in a shell: 128 + n for signal n, 126 or 127 if the process could not be started
	Signal    string // the name of the signal that killed it, without "SIG"
	Requested bool   // devports had asked it to end
	Err       error  // why the process could not be started or waited for
	Cause     string // why it failed, if its files show it
}

// Failed reports whether `up` fails because of the exit.
func (e Exit) Failed() bool { return e.Status != 0 && !e.Requested }

// String describes the exit: "exited with status 3: CAUSE", "was killed by
// SIGKILL".
func (e Exit) String() string {
	text := fmt.Sprintf("exited with status %d", e.Status)
	switch {
	case e.Err != nil:
		text = e.Err.Error()
	case e.Signal != "":
		text = "was killed by SIG" + e.Signal
	}
	if e.Cause != "" {
		text += ": " + e.Cause
	}
	return text
}
