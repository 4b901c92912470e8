package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// LogQuery selects log lines.
type LogQuery struct {
	Services []string  // none means all
	Last     int       // the maximum number of earlier lines; negative: all that are kept
	Since    time.Time // no earlier lines
	Follow   bool      // continue with new lines
}

// LogEntry is a line, or a number of lines that the reader was too slow to
// receive.
type LogEntry struct {
	output.Line
	Missed int64 `json:"missed,omitempty"`
}

func (q LogQuery) values() url.Values {
	v := url.Values{"service": q.Services}
	if q.Last >= 0 {
		v.Set("last", strconv.Itoa(q.Last))
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.Follow {
		v.Set("follow", "true")
	}
	return v
}

func parseLogQuery(raw string) (q LogQuery, err error) {
	v, err := parseQuery(raw, "service", "last", "since", "follow")
	if err != nil {
		return q, err
	}
	q = LogQuery{Services: v["service"], Last: -1}
	if q.Follow, err = parseBool(v, "follow"); err != nil {
		return q, err
	}
	if last := v.Get("last"); v.Has("last") && last != "-1" { // which means all, too
		n, err := strconv.ParseUint(last, 10, 31)
		if err != nil {
			return q, errors.New("last must be a number of lines")
		}
		q.Last = int(n)
	}
	if v.Has("since") {
		if q.Since, err = time.Parse(time.RFC3339, v.Get("since")); err != nil {
			return q, errors.New("since must be a time as in RFC 3339")
		}
	}
	return q, nil
}

func (q LogQuery) wants(l output.Line) bool {
	return (len(q.Services) == 0 || slices.Contains(q.Services, l.Service)) && !l.Time.Before(q.Since)
}

// logs streams lines as JSON until the run ends or the client disconnects.
func (s server) logs(w http.ResponseWriter, r *http.Request) {
	s.stream(w, r, s.run.Output, func(l output.Line) any { return l })
}

// stream writes the selected lines of a tail as JSON, and new ones if the
// client follows. encode converts a line for JSON.
func (s server) stream(w http.ResponseWriter, r *http.Request, tail *output.Tail, encode func(output.Line) any) {
	q, err := parseLogQuery(r.URL.RawQuery)
	if err != nil {
		s.fail(w, requestError{err})
		return
	}
	if err := s.checkServices(r.Context(), q.Services); err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder, flush := json.NewEncoder(w), http.NewResponseController(w).Flush
	lines, next, _, more := tail.Since(0)
	lines = slices.DeleteFunc(lines, func(l output.Line) bool { return !q.wants(l) })
	if q.Last >= 0 && len(lines) > q.Last {
		lines = lines[len(lines)-q.Last:]
	}
	for missed, ended := int64(0), false; ; {
		if missed > 0 {
			_ = encoder.Encode(missedLines{missed})
		}
		for _, l := range lines {
			if encoder.Encode(encode(l)) != nil {
				return
			}
			s.sent.Add(1)
		}
		if flush() != nil || !q.Follow || ended {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			ended = true // the last lines may have come at the same time
		}
		lines, next, missed, more = tail.Since(next)
		lines = slices.DeleteFunc(lines, func(l output.Line) bool { return !q.wants(l) })
	}
}

// missedLines is a LogEntry without a line.
type missedLines struct {
	Missed int64 `json:"missed"`
}

// checkServices returns an error unless each name is a service of the run, or
// output.Own.
func (s server) checkServices(ctx context.Context, names []string) error {
	all, err := s.run.Controller.Status(ctx)
	if err != nil {
		return err
	}
	known := []string{output.Own}
	for _, st := range all {
		known = append(known, st.Service)
	}
	unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(known, name) })
	if len(unknown) > 0 {
		return &launcher.UnknownServiceError{Names: unknown, Known: known}
	}
	return nil
}

// Logs calls handle for each entry, until there are no more, ctx is done, or
// handle fails. It returns the error of handle, or the errors of Status.
func (c Client) Logs(ctx context.Context, q LogQuery, handle func(LogEntry) error) error {
	response, err := c.send(ctx, http.MethodGet, "logs", q.values())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return responseError(response, q.Services)
	}
	for entries := json.NewDecoder(response.Body); ; {
		var e LogEntry
		err := entries.Decode(&e)
		switch {
		case err == nil:
			if err := handle(e); err != nil {
				return err
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil // the run has ended
		default:
			return err
		}
	}
}
