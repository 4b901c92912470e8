package dashboard

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
)

// line is a line as the page gets it, or a gap, or the end of a run.
type line struct {
	Cursor  string    `json:"c,omitempty"`
	Time    int64     `json:"t"` // ms since 1970
	Service string    `json:"s,omitempty"`
	Parts   []segment `json:"p,omitempty"` // none if the line is empty
	Own     bool      `json:"o,omitempty"`
	Cut     int       `json:"cut,omitempty"`
	Gap     int64     `json:"gap,omitempty"`
	Why     string    `json:"why,omitempty"`
	Run     string    `json:"run,omitempty"`
}

func lineOf(l logstore.Line) line {
	shown := line{Time: l.Time.UnixMilli(), Service: l.Service, Own: l.Service == output.Own}
	if l.Cursor.Run != "" {
		shown.Cursor = l.Cursor.String()
	}
	if l.Missed > 0 {
		shown.Gap, shown.Why = l.Missed, l.Text
		return shown
	}
	shown.Parts, shown.Cut = segments(l.Text)
	return shown
}

// selection selects lines of a checkout.
type selection struct {
	services []string
	match    *logstore.Matcher // nil: all
}

// maxGrep is the length of a regular expression.
const maxGrep = 1000

func newSelection(services []string, grep string) (selection, error) {
	s := selection{services: services}
	if grep == "" {
		return s, nil
	}
	if len(grep) > maxGrep {
		return s, errors.New("the regular expression is too long")
	}
	var err error
	s.match, err = logstore.NewMatcher(grep, strings.ToLower(grep) == grep)
	return s, err
}

func (s selection) has(l logstore.Line) bool {
	return (len(s.services) == 0 || slices.Contains(s.services, l.Service)) && (s.match == nil || l.Missed > 0 || s.match.MatchLine(l.Text))
}

func (s selection) query() logstore.Query {
	return logstore.Query{Services: s.services, Match: s.match, Last: -1}
}

// page is the response to a request for lines.
type page struct {
	Lines []line     `json:"lines"`
	Start bool       `json:"start"`
	End   bool       `json:"end"`
	Since *time.Time `json:"since,omitempty"`

	// newest is the position from which newer lines can be read, zero if there
	// was no line.
	newest logstore.Cursor
}

const (
	defaultLines = 500
	maxLines     = 2000
)

// lines responds with lines.
func (d *Dashboard) lines(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, "malformed query", "")
		return
	}
	n, err := strconv.Atoi(cmp.Or(query.Get("n"), strconv.Itoa(defaultLines)))
	if err != nil || n < 1 || n > maxLines {
		fail(w, http.StatusBadRequest, "n must be a number from 1 to "+strconv.Itoa(maxLines), "")
		return
	}
	selected, err := newSelection(query["service"], query.Get("grep"))
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	var at logstore.Cursor
	where := ""
	for _, key := range []string{"before", "after", "from"} {
		if text := query.Get(key); text != "" {
			where = key
			if at, err = logstore.ParseCursor(text); err != nil {
				fail(w, http.StatusBadRequest, err.Error(), "")
				return
			}
		}
	}
	k, ok := d.hub.find(r.Context(), query.Get("checkout"))
	if !ok {
		failUnknown(w)
		return
	}
	p, err := d.read(r.Context(), k, selected, where, at, n)
	if err != nil {
		fail(w, http.StatusInternalServerError, "cannot read the log: "+err.Error(), "")
		return
	}
	respond(w, http.StatusOK, p)
}

// recordedTime is how long a run may take to write its output.
const recordedTime = time.Second

// runs returns the stored runs of a checkout, the latest first. recorded is false
// if the current one is not stored.
func (d *Dashboard) runs(ctx context.Context, k checkoutInfo) (runs []logstore.Run, recorded bool) {
	stored := func() bool {
		runs = d.options.Logs.Runs(k.slot.Name())
		return !k.running || len(runs) > 0 && runs[0].ID == k.instance.Note.ID
	}
	if stored() {
		return runs, true
	}
	ctx, cancel := context.WithTimeout(ctx, recordedTime)
	defer cancel()
	if k.instance.Client().AwaitRecorded(ctx) != nil {
		return runs, false
	}
	return runs, stored()
}

// read returns up to n lines before, after or from a cursor, or the last ones.
func (d *Dashboard) read(ctx context.Context, k checkoutInfo, s selection, where string, at logstore.Cursor, n int) (page, error) {
	runs, recorded := d.runs(ctx, k)
	if !recorded || strings.HasPrefix(at.Run, memoryRun) {
		return d.readMemory(ctx, k, s, where, at, n)
	}
	if where == "after" || where == "from" {
		return readAfter(ctx, runs, s, where, at, n)
	}
	return d.readBefore(ctx, runs, s, at, n)
}

// indexOf returns the index of the run of a cursor, or of the oldest later one.
func indexOf(runs []logstore.Run, at logstore.Cursor) int {
	i := len(runs) - 1
	for i > 0 && runs[i].Name() < at.Run {
		i--
	}
	return i
}

// endOf is the position after the lines of a run, that of its end as shown.
func endOf(r logstore.Run) logstore.Cursor {
	return logstore.Cursor{Run: r.Name(), Time: math.MaxInt64}
}

// readBefore returns the last n lines, or those before a cursor.
func (d *Dashboard) readBefore(ctx context.Context, runs []logstore.Run, s selection, at logstore.Cursor, n int) (page, error) {
	p := page{Lines: []line{}, End: at.Run == ""}
	i := 0
	for at.Run != "" && i < len(runs) && runs[i].Name() > at.Run {
		i++ // also if the run itself has been removed
	}
	left := n
	for ; i < len(runs) && left > 0; i++ {
		q := s.query()
		q.Last = left
		if runs[i].Name() == at.Run {
			q.Before = at
		}
		var part []line
		err := runs[i].Read(ctx, q, func(l logstore.Line) error {
			if part = append(part, lineOf(l)); l.Missed == 0 {
				left--
			}
			if p.newest.Run == "" || p.newest.Run == l.Cursor.Run {
				p.newest = l.Cursor
			}
			return nil
		})
		if err != nil {
			return p, err
		}
		if ended := d.options.Ended(runs[i]); ended != "" && len(part) > 0 && (i > 0 || at.Run == "") && runs[i].Name() != at.Run {
			end := endOf(runs[i])
			if part = append(part, line{Cursor: end.String(), Time: part[len(part)-1].Time, Run: ended}); p.newest.Run == end.Run {
				p.newest = end
			}
		}
		p.Lines = slices.Insert(p.Lines, 0, part...) // not nil, which is null in JSON
	}
	p.Start = left > 0
	if p.Start && len(runs) > 0 {
		q := logstore.Query{Last: -1, First: 1}
		for _, r := range slices.Backward(runs) {
			_ = r.Read(ctx, q, func(l logstore.Line) error {
				p.Since = &l.Time
				return nil
			})
			if p.Since != nil {
				break
			}
		}
	}
	return p, nil
}

// readAfter returns the first n lines after a cursor.
func readAfter(ctx context.Context, runs []logstore.Run, s selection, where string, at logstore.Cursor, n int) (page, error) {
	p := page{Lines: []line{}}
	if where == "from" {
		at.Line--
	}
	left := n
	for i := indexOf(runs, at); i >= 0 && left > 0; i-- {
		q := s.query()
		q.First = left
		if runs[i].Name() == at.Run {
			q.After = at
		}
		err := runs[i].Read(ctx, q, func(l logstore.Line) error {
			if p.Lines = append(p.Lines, lineOf(l)); l.Missed == 0 {
				left--
			}
			p.newest = l.Cursor
			return nil
		})
		if err != nil {
			return p, err
		}
	}
	p.End = left > 0
	return p, nil
}

// memoryRun begins the name of a run in cursors of lines that are not stored.
const memoryRun = "memory/"

// numbered gives the lines of a run that is not stored their cursors. Lines of one
// time are counted.
func numbered(id string, handle func(logstore.Line) error) func(control.LogEntry) error {
	last := logstore.Cursor{Run: memoryRun + id}
	return func(e control.LogEntry) error {
		if e.Missed > 0 {
			return handle(logstore.Line{Time: time.Now(), Missed: e.Missed, Text: "printed too fast"})
		}
		if at := e.Time.UnixNano(); at != last.Time {
			last.Time, last.Line = at, 0
		} else {
			last.Line++
		}
		return handle(logstore.Line{Service: e.Service, Time: e.Time, Text: strings.TrimRight(e.Text, "\r"), Cursor: last})
	}
}

func isAfter(a, b logstore.Cursor) bool {
	return a.Run != b.Run || a.Time > b.Time || a.Time == b.Time && a.Line > b.Line
}

// readMemory is read for a run that is not stored: it has only its latest lines.
func (d *Dashboard) readMemory(ctx context.Context, k checkoutInfo, s selection, where string, at logstore.Cursor, n int) (page, error) {
	p := page{Lines: []line{}, Start: true, End: true}
	if where == "before" || !k.running {
		return p, nil
	}
	var all []logstore.Line
	err := k.instance.Client().Logs(ctx, control.LogQuery{Last: -1}, numbered(k.instance.Note.ID, func(l logstore.Line) error {
		if s.has(l) && (where != "after" || isAfter(l.Cursor, at)) {
			all = append(all, l)
		}
		return nil
	}))
	for _, l := range all[max(0, len(all)-n):] {
		p.Lines = append(p.Lines, lineOf(l))
		p.newest = l.Cursor
	}
	return p, err
}
