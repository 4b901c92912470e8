package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
)

const (
	statePause   = 200 * time.Millisecond // the least time between two states
	pingInterval = 20 * time.Second
	sendTime     = 20 * time.Second // how long a page may take to receive: a hidden one may be suspended
	maxMessage   = 64 << 10         // from a page
)

// follow is the request of a page to follow lines.
type follow struct {
	ID       int      `json:"id"`
	Checkout string   `json:"checkout"`
	Services []string `json:"services"`
	Grep     string   `json:"grep"`
	After    string   `json:"after"`
	Live     bool     `json:"live"`
}

// stream serves the WebSocket of a page.
func (d *Dashboard) stream(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil) // which checks the origin, too
	if err != nil {
		return // it has responded
	}
	defer conn.CloseNow() //nolint:errcheck // it may be closed
	conn.SetReadLimit(maxMessage)
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	d.opened(1)
	defer d.opened(-1)
	defer d.hub.use(ctx)()
	s := socket{conn, ctx, cancel}
	signedIn := func() bool {
		c, _ := d.validCookie(r)
		return c != nil
	}
	var senders sync.WaitGroup
	defer senders.Wait()
	defer cancel()
	senders.Go(func() { d.sendStates(s) })
	senders.Go(func() { s.ping(signedIn) })
	following := context.CancelFunc(func() {})
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var m struct {
			Follow *follow `json:"follow"`
		}
		if json.Unmarshal(text, &m) != nil || m.Follow == nil {
			continue
		}
		following()
		lines, stop := context.WithCancel(ctx)
		following = stop
		senders.Go(func() {
			defer stop()
			d.followLines(lines, s, *m.Follow)
		})
	}
}

// sendStates sends the state, and again after changes.
func (d *Dashboard) sendStates(s socket) {
	announced := d.options.Announced()
	for sent := -1; ; {
		text, number, changed := d.hub.state()
		if number != sent {
			if s.send(map[string]json.RawMessage{"state": text}) != nil {
				return
			}
			sent = number
			select {
			case <-time.After(statePause):
			case <-s.ctx.Done():
				return
			}
			continue
		}
		select {
		case <-changed:
		case <-announced:
			// A point may be ready now; the runs themselves report the rest.
			announced = d.options.Announced()
			d.hub.notify()
		case <-s.ctx.Done():
			return
		}
	}
}

// linesMessage is a message with lines.
type linesMessage struct {
	Follow  int        `json:"follow"`
	Lines   []line     `json:"lines"`
	Skipped int64      `json:"skipped,omitempty"`
	Start   bool       `json:"start,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
}

type errorMessage struct {
	Follow int    `json:"follow"`
	Error  string `json:"error"`
}

// How lines are sent.
const (
	followPoll = 10 * time.Millisecond // of checks for new lines
	linesPause = 30 * time.Millisecond // the least time between two messages
	lineRate   = 1000                  // a second
)

// followLines sends lines until ctx ends.
func (d *Dashboard) followLines(ctx context.Context, s socket, f follow) {
	if f.Checkout == "" {
		return
	}
	selected, err := newSelection(f.Services, f.Grep)
	var after logstore.Cursor
	if err == nil && f.After != "" {
		after, err = logstore.ParseCursor(f.After)
	}
	if err != nil {
		_ = s.send(errorMessage{f.ID, err.Error()})
		return
	}
	b := &batch{id: f.ID, socket: s, ctx: ctx, tokens: lineRate, filled: time.Now()}
	defer d.hub.use(ctx)()
	followed := "" // the ID of the latest run
	for first := true; ctx.Err() == nil; first = false {
		_, _, changed := d.hub.state()
		k, ok := d.hub.find(ctx, f.Checkout)
		if !ok && first {
			_ = s.send(errorMessage{f.ID, unknownCheckout})
		}
		if ok && (first || k.running && k.instance.Note.ID != followed) {
			followed = k.instance.Note.ID
			if after, err = d.followRun(ctx, k, selected, after, b, first && f.Live); err != nil {
				if ctx.Err() == nil {
					_ = s.send(errorMessage{f.ID, "cannot read the log: " + err.Error()})
				}
				return
			}
		}
		select {
		case <-changed: // perhaps the next run
		case <-ctx.Done():
		}
	}
}

// followRun sends the lines of all runs of a checkout after a cursor, then those
// of the current run until it ends. It returns the cursor of the last line. With
// live, it sends only lines from now on.
func (d *Dashboard) followRun(ctx context.Context, k checkoutInfo, s selection, after logstore.Cursor, b *batch, live bool) (logstore.Cursor, error) {
	runs, recorded := d.runs(ctx, k)
	emit := func(l logstore.Line) error {
		after = l.Cursor
		b.add(l)
		return nil
	}
	if !recorded {
		err := d.followMemory(ctx, k, s, after, b, live, emit)
		return after, err
	}
	if len(runs) == 0 {
		return after, nil
	}
	first := after.Run == ""
	if first && !live {
		p, err := d.readBefore(ctx, runs, s, logstore.Cursor{}, defaultLines)
		if err != nil {
			return after, err
		}
		if err := b.socket.send(linesMessage{b.id, p.Lines, 0, p.Start, p.Since}); err != nil {
			return after, err
		}
		after = p.newest
	}
	i := 0
	if !first {
		i = indexOf(runs, after)
	}
	for ; i >= 0; i-- {
		r := runs[i]
		q := s.query()
		q.Poll, q.CaughtUp = followPoll, b.flush
		if r.Name() == after.Run {
			q.After = after
		} else if after.Run != "" && r.Name() > after.Run {
			before := prior(runs, r)
			if ended := d.options.Ended(before); ended != "" && after != endOf(before) {
				b.addRun(ended, endOf(before))
			}
		} else if live {
			q.Since = time.Now()
		}
		if err := r.Follow(ctx, q, emit); err != nil {
			return after, err
		}
		if err := b.flush(); err != nil {
			return after, err
		}
		if after.Run < r.Name() {
			after = logstore.Cursor{Run: r.Name()} // it had no such line
		}
	}
	return after, nil
}

// prior returns the run before r.
func prior(runs []logstore.Run, r logstore.Run) logstore.Run {
	for i := range len(runs) - 1 {
		if runs[i].Name() == r.Name() {
			return runs[i+1]
		}
	}
	return logstore.Run{Live: true}
}

// followMemory is followRun for a run that is not stored.
func (d *Dashboard) followMemory(ctx context.Context, k checkoutInfo, s selection, after logstore.Cursor, b *batch, live bool, emit func(logstore.Line) error) error {
	if !live && after.Run != memoryRun+k.instance.Note.ID {
		b.start = true
	}
	q := control.LogQuery{Last: -1, Follow: true}
	if live {
		q.Since = time.Now()
	}
	lines := make(chan logstore.Line, 1000)
	ended := make(chan error, 1)
	go func() {
		ended <- k.instance.Client().Logs(ctx, q, numbered(k.instance.Note.ID, func(l logstore.Line) error {
			if !s.has(l) || !isAfter(l.Cursor, after) {
				return nil
			}
			select {
			case lines <- l:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}))
		close(lines)
	}()
	for open := true; open; {
		var l logstore.Line
		select {
		case l, open = <-lines:
		case <-ctx.Done():
			return ctx.Err()
		}
		for more := open; more; {
			_ = emit(l)
			select {
			case l, open = <-lines:
				more = open
			case <-time.After(time.Millisecond):
				more = false
			}
		}
		if err := b.flush(); err != nil {
			return err
		}
	}
	err := <-ended
	if now := k.slot.Instance(); err != nil && ctx.Err() == nil && (!now.Runs() || now.Note.ID != k.instance.Note.ID) {
		return nil // it has ended
	}
	return err
}

// state responds with the state.
func (d *Dashboard) state(w http.ResponseWriter, r *http.Request) {
	defer d.hub.use(r.Context())()
	d.renewCookie(w, r)
	text, _, _ := d.hub.state()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n'))
}
