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
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// returnKey ends attach: Ctrl-], as in telnet(1).
const returnKey = 0x1d

// attach gives the keyboard and the screen to the targeted service until Ctrl-]
// or the end of the service. It continues across a restart of the service:
// otherwise the keys that the user is typing would become commands.
func (l *loop) attach() {
	c, out, name := l.console, l.options.Output, l.model.target()
	since := out.SetFilter(output.Filter{Nothing: true}, output.Replay{
		Head: "typing into " + name + " (press Ctrl-] to return)", Last: 10, Through: &output.Filter{Service: name},
	})
	c.screen.Suspend()
	c.apply(c.found.Raw())
	footer := screen.NewFooter(c.tty, c.size, l.typingRow(name))
	a, err := l.options.Run.Attach(l.context, name, launcher.AttachOptions{
		Out: footer, Head: screen.ResetSequence + "\r\n", Size: l.typingSize(), OnTerminal: true,
	})
	if err == nil {
		l.typeTo(name, a, footer)
		a.Close()
	}
	footer.Close()
	fmt.Fprint(c.tty, screen.ResetSequence, "\r\n")
	c.apply(c.found.Keys())
	c.screen.Resume()
	head := "returned from " + name
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
func (l *loop) typeTo(name string, a launcher.Attachment, footer *screen.Footer) {
	var waiting []byte
	redraw := time.NewTicker(time.Second)
	defer redraw.Stop()
	for {
		typed, rest, left := bytes.Cut(l.keys, []byte{returnKey})
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
			footer.Resize()
			a.Resize(l.typingSize())
			footer.Show(l.typingRow(name))
		case <-redraw.C:
			footer.Show(l.typingRow(name))
		case <-l.changed:
			l.model, _ = l.update()
			footer.Show(l.typingRow(name))
		case <-a.Restarts():
			waiting = nil
			fmt.Fprintf(footer, "\r\ndevports | %s ended and is restarting (press Ctrl-] to return)\r\n", name)
		case <-a.Done():
			return
		case <-l.context.Done():
			return
		}
	}
}

// typingSize is the size of the terminal above the footer.
func (l *loop) typingSize() terminal.Size {
	size := l.console.size()
	size.Rows = max(size.Rows-1, 1)
	return size
}

// typingRow says where typed keys go, and how to leave.
func (l *loop) typingRow(name string) screen.Row {
	style := palette.Reverse
	if l.options.Colors == nil {
		style = ""
	}
	width := l.console.size().Columns - 1
	return screen.Row{span(screen.Pad(firstThatFits(width, l.model.typingTexts(name)...), width), style)}
}

// typingTexts are the texts of typingRow, from the longest to the shortest.
func (m model) typingTexts(name string) []string {
	state := m.status().Label()
	if url := m.status().Address; url != "" {
		state += ", " + url
	}
	return []string{
		fmt.Sprintf("── typing into %s · Ctrl-] returns to devports · %s ──", name, state),
		fmt.Sprintf("── typing into %s · Ctrl-] returns to devports ──", name),
		fmt.Sprintf("── typing into %s · Ctrl-] returns", name),
		fmt.Sprintf("Ctrl-] leaves %s", name),
		"Ctrl-] leaves " + screen.Middle(name, 12),
	}
}
