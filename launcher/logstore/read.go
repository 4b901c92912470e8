package logstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Query selects lines. With Last: -1 and nothing else, it selects all.
type Query struct {
	Services     []string // none stands for all
	Since, Until time.Time
	After        Cursor   // only lines after it
	Before       Cursor   // only lines before it; zero: all
	Match        *Matcher // nil: all lines
	Context      int      // with Match, the number of lines of the service before and after
	First        int      // at most the first lines; 0 for all
	Last         int      // at most the last lines; negative for all

	// Poll is how often Follow checks for new lines; 0 stands for 50 ms.
	Poll time.Duration

	// Progress, if it is not nil, counts the bytes that have been searched.
	Progress *atomic.Int64

	// CaughtUp, if it is not nil, is called by Follow when it has yielded all lines
	// so far. An error ends Follow.
	CaughtUp func() error
}

// Line is a line of output, or a gap.
type Line struct {
	Service string
	Time    time.Time
	Text    string
	Missed  int64 // the number of missing lines; then Text is the reason
	Context bool  // it does not match, but is near a line that does
	Cursor  Cursor
}

// Cursor is the position of a line in a run.
type Cursor struct {
	Run  string // Run.Name
	Time int64
	Line int
}

// String encodes a cursor for ParseCursor.
func (c Cursor) String() string { return fmt.Sprintf("%s/%x.%x", c.Run, c.Time, c.Line) }

// ParseCursor reads what String has written.
func ParseCursor(text string) (c Cursor, err error) {
	i := strings.LastIndexByte(text, '/')
	at, line, ok := strings.Cut(text[i+1:], ".")
	if ok && i > 0 {
		c.Run = text[:i]
		c.Time, err = strconv.ParseInt(at, 16, 64)
		var n int64
		if err == nil {
			n, err = strconv.ParseInt(line, 16, 32)
		}
		c.Line = int(n)
	}
	if !ok || i <= 0 || err != nil || c.Time < 0 || c.Line < 0 {
		return Cursor{}, fmt.Errorf("%q is not a cursor", text)
	}
	return c, nil
}

// Read calls yield with the selected lines in the order of time. It stops at the
// first error of yield and returns that, or ctx's. An unfinished line at the end
// is yielded as it is; once it is complete, its cursor is a later one.
func (r Run) Read(ctx context.Context, q Query, yield func(Line) error) error {
	reading := newQueryReader(r, q)
	return reading.read(ctx, reading.start(), true, yield)
}

// followPoll is the default interval of checks for new lines.
const followPoll = 50 * time.Millisecond

// livePoll is the time without a new line before Follow checks whether the run
// has ended, which takes longer.
const livePoll = 250 * time.Millisecond

// Follow is like Read, and continues with new lines until the run has ended.
func (r Run) Follow(ctx context.Context, q Query, yield func(Line) error) error {
	reading := newQueryReader(r, q)
	poll := cmp.Or(q.Poll, followPoll)
	livePolls := max(1, int(livePoll/poll))
	span := reading.start()
	for first := true; ; first = false {
		final := span.until == math.MaxInt64
		if err := reading.read(ctx, span, final, yield); err != nil {
			return err
		}
		if q.CaughtUp != nil {
			if err := q.CaughtUp(); err != nil {
				return err
			}
		}
		if final {
			return nil
		}
		if first {
			reading.query.Last = -1
		}
		next := span
		for polls := 1; next.until == span.until; polls++ {
			select {
			case <-time.After(poll):
			case <-ctx.Done():
				return ctx.Err()
			}
			if head := r.readHead(); head > span.until {
				next.until = head
			} else if polls%livePolls == 0 {
				next = reading.start()
			}
		}
		next.from = span.until
		reading.query.After = Cursor{Time: span.until, Line: math.MaxInt}
		span = next
	}
}

// Newer returns the first run of a checkout that started after r. ok is false if
// there is none.
func (s Store) Newer(slot string, r Run) (next Run, ok bool) {
	for _, run := range s.Runs(slot) {
		if run.path <= r.path {
			break
		}
		next, ok = run, true
	}
	return next, ok
}

// queryReader is a Query in progress.
type queryReader struct {
	run     Run
	query   Query
	context map[string]*contextLines // of each service; only with mark
}

func newQueryReader(r Run, q Query) *queryReader {
	return &queryReader{r, q, map[string]*contextLines{}}
}

// span is a time span whose lines are all readable.
type span struct{ from, until int64 }

// start returns the span that is readable now.
func (r *queryReader) start() span {
	s := span{r.run.clearedAt() + 1, math.MaxInt64}
	if !r.query.Since.IsZero() {
		s.from = max(s.from, r.query.Since.UnixNano())
	}
	run, ok := readRun(r.run.path, r.run.Slot)
	if ok && run.Live {
		s.until = run.readHead()
	}
	return s
}

// read reads a span; final includes unfinished lines.
func (r *queryReader) read(ctx context.Context, s span, final bool, yield func(Line) error) error {
	q := r.query
	until := s.until
	if !q.Until.IsZero() {
		until = min(until, q.Until.UnixNano())
	}
	if q.Before != (Cursor{}) {
		until = min(until, q.Before.Time)
	}
	w := window{
		after: q.After, before: q.Before, since: s.from, until: until, match: q.Match,
		mark: q.Match != nil && q.Context > 0, unfinished: final && until == s.until,
	}
	switch {
	case q.Last == 0:
		return nil
	case q.Last > 0 && !w.mark:
		return r.readLast(ctx, w, yield)
	case q.Last > 0:
		return r.readLastContext(ctx, w, yield)
	}
	emit, count := yield, 0
	if q.First > 0 {
		emit = func(l Line) error {
			if err := yield(l); err != nil {
				return err
			}
			if l.Missed == 0 {
				count++
			}
			if count >= q.First {
				return errEnough
			}
			return nil
		}
	}
	if err := r.merge(ctx, w, false, emit); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

var errEnough = errors.New("enough")

// readLast reads backwards, for the last lines.
func (r *queryReader) readLast(ctx context.Context, w window, yield func(Line) error) error {
	var last []Line
	count := 0
	err := r.merge(ctx, w, true, func(l Line) error {
		last = append(last, l)
		if l.Missed == 0 {
			count++
		}
		if count >= r.query.Last {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for _, l := range slices.Backward(last) {
		if err := yield(l); err != nil {
			return err
		}
	}
	return nil
}

// readLastContext is readLast with context lines.
func (r *queryReader) readLastContext(ctx context.Context, w window, yield func(Line) error) error {
	var last []Line
	surplus := func(n int) { last = slices.Delete(last, 0, max(0, len(last)-n)) }
	err := r.merge(ctx, w, false, func(l Line) error {
		if last = append(last, l); len(last) > 2*r.query.Last+1000 {
			surplus(r.query.Last)
		}
		return nil
	})
	if err != nil {
		return err
	}
	surplus(r.query.Last)
	for _, l := range last {
		if err := yield(l); err != nil {
			return err
		}
	}
	return nil
}
