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

// silence is how long a run may take for its first answer before it counts as one
// that does not answer. It never has much to do.
const greetTimeout = time.Second

// SilentError says that a run lives and does not answer.
type UnresponsiveError struct {
	PID     int
	Stopped bool // by a signal, such as that of Ctrl-Z
}

func (e *UnresponsiveError) Error() string {
	if e.Stopped {
		return fmt.Sprintf("pid %d is stopped", e.PID)
	}
	return fmt.Sprintf("pid %d does not answer", e.PID)
}

// Stopped reports whether the process of the run was stopped by a signal.
func (i Instance) Stopped() bool {
	stat, err := process.ReadStat(i.Note.PID)
	return err == nil && stat.Stopped && (i.Note.Start == 0 || stat.Start == i.Note.Start)
}

// greet asks the run who it is, which it answers at once. The error is a
// *SilentError if it does not, and an *UnreachableError if there is no connection.
func (i Instance) greet(ctx context.Context) (Note, error) {
	conn, err := i.dial(ctx)
	if err != nil {
		return Note{}, err
	}
	defer conn.Close()
	n, err := greet(ctx, conn)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = &UnresponsiveError{i.Note.PID, i.Stopped()}
	}
	return n, err
}

// greet returns the note of the run at the other end of a connection, the zero
// Note if that is of a version without it.
func greet(ctx context.Context, conn net.Conn) (n Note, err error) {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
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

// whoIs answers with the note of the run, once its supervisor has a moment.
func (s server) identify(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r.URL.RawQuery); err != nil {
		s.fail(w, requestError{err})
		return
	}
	if _, err := s.run.Controller.Status(r.Context()); err != nil && !errors.Is(err, launcher.ErrEnded) {
		return // the client has gone
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.run.note)
}

// AskAll asks instances how they are, all at the same time.
func AskAll(ctx context.Context, instances []Instance) []Answer {
	answers := make([]Answer, len(instances))
	done := make(chan struct{})
	for n, i := range instances {
		go func() {
			answers[n] = i.Ask(ctx)
			done <- struct{}{}
		}()
	}
	for range instances {
		<-done
	}
	return answers
}
