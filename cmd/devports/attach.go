package main

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

// leave is the key that ends attach, Ctrl-] as in telnet(1).
const leave = 0x1d

// attach gives the keyboard to the service aimed at, and the screen as well,
// until Ctrl-] or the end of its process.
func (v *view) attach() {
	name := v.target()
	since := v.out.Look(output.Lens{Nothing: true}, output.Past{
		Head: "you type to " + name + " now: Ctrl-] leaves", Last: 10, Through: &output.Lens{Service: name},
	})
	v.screen.Suspend()
	v.put(v.found.Raw())
	v.attached.Store(&name)
	a, err := v.run.Attach(v.context, name, v.tty)
	if err == nil {
		v.typeTo(a)
	}
	v.attached.Store(nil)
	a.Close()
	fmt.Fprint(v.tty, screen.Restful, "\r\n")
	v.put(v.found.Keys())
	v.screen.Resume()
	head := "you have left " + name
	if err != nil {
		head = tellSteering(name, err)
	}
	past := output.Past{Head: head, Since: since, Last: math.MaxInt, Through: &output.Lens{Service: output.Own}}
	if v.paused {
		past.Last = 0 // they come when the stream goes on
	}
	v.out.Look(v.lens(), past)
}

// typeTo hands on what is typed, until Ctrl-]. What the process does not read
// waits, and is lost when its user leaves.
func (v *view) typeTo(a launcher.Attachment) {
	var waiting []byte
	for {
		typed, rest, left := bytes.Cut(v.typed, []byte{leave})
		waiting, v.typed = append(waiting, typed...), rest
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
		case v.typed = <-v.sent:
		case <-again:
		case <-a.Done():
			return
		case <-v.context.Done():
			return
		}
	}
}
