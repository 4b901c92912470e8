package view

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/screen"
)

// detachKey ends attach: Ctrl-], as in telnet(1).
const detachKey = 0x1d

// attach gives the keyboard and the screen to the targeted service until Ctrl-]
// or the end of the service. It continues across a restart of the service:
// otherwise the keys that the user is typing would become commands.
func (l *loop) attach() {
	c, out, name := l.console, l.options.Output, l.model.target()
	since := out.SetFilter(output.Filter{Nothing: true}, output.Replay{
		Head: "attached to " + name + " (press Ctrl-] to detach)", Last: 10, Through: &output.Filter{Service: name},
	})
	c.screen.Suspend()
	c.apply(c.found.Raw())
	a, err := l.options.Run.Attach(l.context, name, launcher.AttachOptions{
		Out: c.tty, Head: screen.ResetSequence + "\r\n", Size: c.size(), OnTerminal: true,
	})
	if err == nil {
		l.typeTo(name, a)
		a.Close()
	}
	fmt.Fprint(c.tty, screen.ResetSequence, "\r\n")
	c.apply(c.found.Keys())
	c.screen.Resume()
	head := "detached from " + name
	if err != nil {
		head = describe(name, err)
	}
	past := output.Replay{Head: head, Since: since, Last: math.MaxInt, Through: &output.Filter{Service: output.Own}}
	if l.model.paused {
		past.Last = 0 // they are shown when the stream resumes
	}
	out.SetFilter(l.model.filter(), past)
}

// typeTo passes typed keys to the service until Ctrl-]. Input that the process
// does not read is buffered, and is lost when it ends or the user leaves.
func (l *loop) typeTo(name string, a launcher.Attachment) {
	var waiting []byte
	for {
		typed, rest, left := bytes.Cut(l.keys, []byte{detachKey})
		waiting, l.keys = append(waiting, typed...), rest
		n, err := a.Write(waiting)
		waiting = waiting[n:]
		if left || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		var again <-chan time.Time
		if len(waiting) > 0 {
			again = time.After(10 * time.Millisecond)
		}
		select {
		case l.keys = <-l.typed:
		case <-again:
		case <-l.resized:
			a.Resize(l.console.size())
		case <-a.Restarts():
			waiting = nil
			fmt.Fprintf(l.console.tty, "\r\ndevports | %s ended and is restarting (press Ctrl-] to detach)\r\n", name)
		case <-a.Done():
			return
		case <-l.context.Done():
			return
		}
	}
}
