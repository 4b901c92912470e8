package control

import (
	"context"
	"errors"
	"net/http"
)

// Recorder records the output of services.
type Recorder interface {
	// Sync waits until all earlier output can be read from the store.
	Sync(ctx context.Context) error
}

var errNotRecorded = errors.New("the run is not recorded")

func (s server) recorded(w http.ResponseWriter, r *http.Request) {
	_, err := parseQuery(r.URL.RawQuery)
	switch {
	case err != nil:
		err = requestError{err}
	case s.run.Recorder == nil:
		err = requestError{errNotRecorded}
	default:
		if err = s.run.Recorder.Sync(r.Context()); err != nil {
			err = requestError{err}
		}
	}
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{}\n"))
}

// AwaitRecorded waits until all earlier output is in the log store. The error says
// why it is not.
func (c Client) AwaitRecorded(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodGet, "recorded", nil)
	return err
}
