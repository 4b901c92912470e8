package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// inspect responds with the details of a service.
func (s server) inspect(w http.ResponseWriter, r *http.Request) {
	query, err := parseQuery(r.URL.RawQuery, "service")
	names := query["service"]
	if err == nil && len(names) != 1 {
		err = errOneService
	}
	if err != nil {
		s.fail(w, requestError{err})
		return
	}
	details, err := s.run.Controller.Inspect(r.Context(), names[0])
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(details) // fails if the client has disconnected
}

var errOneService = errors.New("one service is required")

// Inspect returns the details of a service. It returns the errors of Start.
func (c Client) Inspect(ctx context.Context, service string) (launcher.Details, error) {
	return request[launcher.Details](ctx, c, http.MethodGet, "inspect", url.Values{"service": {service}})
}

// watchPause is the minimum time between two responses to one client.
const watchPause = 50 * time.Millisecond

// watch streams the status of the run whenever it changes, until the run ends or
// the client disconnects.
func (s server) watch(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r.URL.RawQuery); err != nil {
		s.fail(w, requestError{err})
		return
	}
	changed, stop := s.run.Controller.Watch()
	defer stop()
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder, flush := json.NewEncoder(w), http.NewResponseController(w).Flush
	for {
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
		services, err := s.run.Controller.Status(r.Context())
		if err != nil || encoder.Encode(watchEntry{s.info(services), s.run.warning()}) != nil || flush() != nil {
			return
		}
		select {
		case <-time.After(watchPause):
		case <-r.Context().Done():
			return
		}
	}
}

// watchEntry is a status with what only live views show.
type watchEntry struct {
	Info
	Warning string `json:"warning,omitempty"`
}

// Watch calls handle with the status of the run, and again whenever it has changed,
// until the run ends, ctx is done, or handle fails. It returns nil at the end of
// the run, and the errors of Status.
func (c Client) Watch(ctx context.Context, handle func(Info) error) error {
	return c.stream(ctx, "watch", nil, func(decoder *json.Decoder) error {
		var entry watchEntry
		if err := decoder.Decode(&entry); err != nil {
			return err
		}
		entry.Info.Warning = entry.Warning
		return handle(entry.Info)
	})
}

// OutputEntry is a block of output, or a number of lines before the next block that
// the client was too slow to receive. Current entries have neither: all earlier
// output was sent.
type OutputEntry struct {
	output.Block
	Missed  int64 `json:"missed,omitempty"`
	Current bool  `json:"current,omitempty"`
}

// outputPause is the minimum time between two blocks of output, so that a flood
// takes few of them.
const outputPause = 10 * time.Millisecond

// currentOutput is an OutputEntry without output.
type currentOutput struct {
	Current bool `json:"current"`
}

// output streams what services print, unchanged, until the run ends or the client
// disconnects. A slow client misses what is no longer kept when it is its turn;
// the services never wait.
func (s server) output(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r.URL.RawQuery); err != nil {
		s.fail(w, requestError{err})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder, flush := json.NewEncoder(w), http.NewResponseController(w).Flush
	var next int64
	for first, ended := true, false; ; first = false {
		blocks, after, missed, more := s.run.Output.Blocks(next)
		next = after
		if missed > 0 && !first && encoder.Encode(missedLines{missed}) != nil {
			return
		}
		for _, b := range blocks {
			if encoder.Encode(b) != nil {
				return
			}
			s.sent.Add(1)
		}
		if first && encoder.Encode(currentOutput{true}) != nil || flush() != nil || ended {
			return
		}
		select {
		case <-time.After(outputPause):
		case <-r.Context().Done():
		}
		select {
		case <-more:
		case <-r.Context().Done():
			ended = true // all output was written before: see Serve
		}
	}
}

// Output calls handle with what services print: first what is kept, then an entry
// that is Current, then what follows, until the run ends, ctx is done, or handle
// fails. While handle does not return, the run keeps only the latest output. It
// returns nil at the end of the run, and the errors of Status.
func (c Client) Output(ctx context.Context, handle func(OutputEntry) error) error {
	return c.stream(ctx, "output", nil, func(decoder *json.Decoder) error {
		var e OutputEntry
		if err := decoder.Decode(&e); err != nil {
			return err
		}
		return handle(e)
	})
}

// stream calls next for each value of a response, until it returns an error.
// The end of the response is not an error.
func (c Client) stream(ctx context.Context, path string, query url.Values, next func(*json.Decoder) error) error {
	response, err := c.send(ctx, http.MethodGet, path, query)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return responseError(response, query["service"])
	}
	for decoder := json.NewDecoder(response.Body); ; {
		switch err := next(decoder); {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(net.Error)):
			return nil // the run has ended
		default:
			return fmt.Errorf("unexpected response: %w", err)
		}
	}
}
