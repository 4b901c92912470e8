package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher"
)

// How long a run may take for its first response before it counts as
// unresponsive. That response takes next to no work, but the machine may be busy,
// and a run that has just claimed its slot leases ports and begins to follow files
// first.
const (
	identifyTimeout = 5 * time.Second
	startTime       = 10 * time.Second // after it has claimed its slot
	identifyPoll    = time.Second      // of checks whether it is suspended
)

// UnresponsiveError reports that a run is alive but does not respond.
type UnresponsiveError struct {
	PID       int
	Suspended bool // by a signal, as with Ctrl-Z
}

func (e *UnresponsiveError) Error() string {
	if e.Suspended {
		return fmt.Sprintf("pid %d is suspended", e.PID)
	}
	return fmt.Sprintf("pid %d does not respond", e.PID)
}

// Suspended reports whether the process of the run was suspended by a signal.
func (i Instance) Suspended() bool {
	stat, err := process.ReadStat(i.Note.PID)
	return err == nil && stat.Stopped && (i.Note.Start == 0 || stat.Start == i.Note.Start)
}

// identify requests the note of the run, which responds at once. The error is
// an *UnresponsiveError if it does not, also within the deadline of ctx, and an
// *UnreachableError if there is no connection.
func (i Instance) identify(ctx context.Context) (Note, error) {
	conn, err := i.dial(ctx)
	if err != nil {
		return Note{}, err
	}
	defer conn.Close()
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		for end := time.Now().Add(identifyTimeout); ; {
			select {
			case now := <-time.After(identifyPoll):
				if i.Suspended() || now.After(end) && !i.starting() {
					return
				}
			case <-bounded.Done():
				return
			}
		}
	}()
	n, err := requestNote(bounded, conn)
	if err != nil && bounded.Err() != nil && !errors.Is(ctx.Err(), context.Canceled) {
		err = &UnresponsiveError{i.Note.PID, i.Suspended()}
	}
	return n, err
}

// starting reports whether the run is so new that it may not respond yet. The
// clock may have been set back since.
func (i Instance) starting() bool { return time.Since(i.Note.Since).Abs() < startTime }

// requestNote returns the note of the run at the other end of a connection; the
// zero Note if its version has no such request.
func requestNote(ctx context.Context, conn net.Conn) (n Note, err error) {
	client := newClient(func(context.Context) (net.Conn, error) { return conn, nil })
	response, err := client.send(ctx, http.MethodGet, "run", nil)
	if err != nil {
		return n, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return n, nil
	}
	return n, json.NewDecoder(response.Body).Decode(&n)
}

// identify responds with the note of the run, as soon as the supervisor is
// responsive.
func (s server) identify(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r.URL.RawQuery); err != nil {
		s.fail(w, requestError{err})
		return
	}
	if _, err := s.run.Controller.Status(r.Context()); err != nil && !errors.Is(err, launcher.ErrEnded) {
		return // the client has disconnected
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.run.note)
}

// QueryAll requests the status of all instances, concurrently.
func QueryAll(ctx context.Context, instances []Instance) []QueryResult {
	results := make([]QueryResult, len(instances))
	done := make(chan struct{})
	for n, i := range instances {
		go func() {
			results[n] = i.Query(ctx)
			done <- struct{}{}
		}()
	}
	for range instances {
		<-done
	}
	return results
}
