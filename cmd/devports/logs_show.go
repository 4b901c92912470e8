package main

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
)

// logLine is the JSON of a line.
type logLine struct {
	Version formatVersion `json:"version"`
	Time    time.Time     `json:"ts"`
	Service string        `json:"service"`
	Text    string        `json:"text"`
	Missed  int64         `json:"missed,omitempty"`
	Cursor  string        `json:"cursor,omitempty"`
}

// show prints the lines that the options select.
func (l foundLogs) show(ctx context.Context, o logsOptions, p *logPrinter) error {
	if o.cursor.Run != "" {
		return l.showAfter(ctx, o, p)
	}
	kept := l.runs
	if l.live && !l.recorded() {
		kept = append([]logstore.Run{{}}, kept...) // that is number 1
	}
	if o.run > len(kept) {
		return fail(exitFailed, "devports logs --run 1 shows the latest", "run %d does not exist: %s has logs of %s", o.run, l.scope, wording.Count(len(kept), "run"))
	}
	r := kept[o.run-1]
	if l.live && o.run == 1 {
		ok, err := l.settled(ctx, o.follow)
		if err != nil {
			return err
		}
		if !ok {
			return l.showMemory(ctx, o, p)
		}
	}
	if err := l.checkServices(ctx, r, o.query.Services); err != nil {
		return err
	}
	if !r.Live {
		l.session.note("%s", formatEnd(r))
	}
	if o.follow {
		return l.follow(ctx, r, o.query, p)
	}
	return p.read(ctx, r, o.query)
}

// showAfter prints the lines after a cursor, of its run and of later ones.
func (l foundLogs) showAfter(ctx context.Context, o logsOptions, p *logPrinter) error {
	i := slices.IndexFunc(l.runs, func(r logstore.Run) bool { return r.Name() == o.cursor.Run })
	if i < 0 {
		return fail(exitFailed, "to print all lines, with new cursors: devports logs --json", "the logs of the cursor's run were removed, or belong to another checkout")
	}
	if _, err := l.settled(ctx, o.follow); err != nil {
		return err
	}
	q := o.query
	q.After = o.cursor
	limit := q.First
	for _, r := range slices.Backward(l.runs[:i+1]) {
		last := r.Name() == l.runs[0].Name()
		if o.follow && last {
			return l.follow(ctx, r, q, p)
		}
		before := p.printed
		if err := p.read(ctx, r, q); err != nil {
			return err
		}
		q.After = logstore.Cursor{}
		if limit > 0 {
			if q.First -= p.printed - before; q.First <= 0 {
				return nil
			}
		}
	}
	return nil
}

// nextPoll is the interval of checks for the next run.
const nextPoll = 200 * time.Millisecond

// follow prints the output of a run as it comes, and then that of the next run,
// until ctx is done.
func (l foundLogs) follow(ctx context.Context, r logstore.Run, q logstore.Query, p *logPrinter) error {
	for {
		live := r.Live
		q.CaughtUp = p.flush
		if err := r.Follow(ctx, q, p.print); err != nil {
			return err
		}
		q.Last, q.First, q.After, q.Since = -1, 0, logstore.Cursor{}, time.Time{}
		ended := r
		for next, ok := l.store.Newer(l.slot, ended); ; next, ok = l.store.Newer(l.slot, ended) {
			if live { // its end is recorded after its last line
				if now, found := firstRun(l.store.Runs(l.slot), func(x logstore.Run) bool { return x.Name() == ended.Name() }); !found || !now.Live {
					if found {
						l.session.note("%s", formatEnd(now))
					}
					live = false
				}
			}
			if ok && next.PID != 0 {
				l.session.note("%s is running again (pid %d)", l.scope, next.PID)
				r = next
				break
			}
			select {
			case <-time.After(nextPoll):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// showMemory prints what a run has in memory, if it is not recorded.
func (l foundLogs) showMemory(ctx context.Context, o logsOptions, p *logPrinter) error {
	q := control.LogQuery{Services: o.query.Services, Last: o.query.Last, Since: o.query.Since, Follow: o.follow}
	if o.query.Match != nil || !o.query.Until.IsZero() {
		q.Last = -1
	}
	var lines []logstore.Line
	emit := p.print
	if o.follow {
		emit = func(line logstore.Line) error { return errors.Join(p.print(line), p.flush()) }
	}
	if !o.follow && q.Last != o.query.Last && o.query.Last >= 0 { // a follower prints all that match: it does not know which is the last one so far
		emit = func(line logstore.Line) error {
			lines = append(lines, line)
			lines = lines[max(0, len(lines)-o.query.Last):]
			return nil
		}
	}
	err := l.instance.Client().Logs(ctx, q, func(e control.LogEntry) error {
		switch {
		case e.Missed > 0:
			return p.print(logstore.Line{Time: time.Now(), Missed: e.Missed, Text: "they were printed too fast"})
		case !o.query.Until.IsZero() && e.Time.After(o.query.Until), o.query.Match != nil && !o.query.Match.MatchLine(e.Text):
			return nil
		}
		return emit(logstore.Line{Service: e.Service, Time: e.Time, Text: e.Text})
	})
	for _, line := range lines {
		if err == nil {
			err = p.print(line)
		}
	}
	if err == nil {
		err = p.flush()
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, syscall.EPIPE) {
		return requestFailed(l.scope, err)
	}
	return err
}
