package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/launcher"
)

// Client asks a run.
type Client struct {
	http *http.Client

	// ended reports whether the run that cannot be reached has ended; nil: that
	// is not known. A run closes its socket before it has ended.
	ended func(ctx context.Context) bool

	// greet fails if the run does not answer; nil: that is found out in vain.
	greet func(ctx context.Context) error
}

// Dial returns a client for the run at a socket. It connects when it is used.
func Dial(path string) Client {
	return newClient(func(ctx context.Context) (net.Conn, error) { return dial(ctx, path) })
}

func newClient(dial func(context.Context) (net.Conn, error)) Client {
	return Client{http: &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableKeepAlives: true,
	}}}
}

// A run that has just begun may not have made its socket yet.
const (
	startupTime  = 500 * time.Millisecond
	dialInterval = 10 * time.Millisecond
)

func dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	for end := time.Now().Add(startupTime); ; time.Sleep(dialInterval) {
		conn, err := d.DialContext(ctx, "unix", path)
		absent := errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)
		if !absent || ctx.Err() != nil || time.Now().After(end) {
			return conn, err
		}
	}
}

// Abandoned reports whether there is a socket at path on which no run listens.
func Abandoned(path string) bool {
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Status tells what runs.
func (c Client) Status(ctx context.Context) (Info, error) { return c.do(ctx, "GET", "status", nil) }

// Check is Status, and services that are ready are asked once more whether they
// answer.
func (c Client) Check(ctx context.Context) (Info, error) {
	return c.do(ctx, "GET", "status", url.Values{"check": {"true"}})
}

// identify is Status as it may have been before the latest edit of a file.
func (c Client) statusUnsynced(ctx context.Context) (Info, error) {
	info, err := c.do(ctx, "GET", "status", url.Values{"sync": {"false"}})
	if err != nil && strings.Contains(err.Error(), "unknown parameter") { // a run of an earlier version
		return c.Status(ctx)
	}
	return info, err
}

// Wait returns the services when the outcome is known for all of them: they are
// ready and answer, have ended, or wait for what has ended and will not start by
// itself.
func (c Client) Wait(ctx context.Context, services ...string) (Info, error) {
	return c.do(ctx, "GET", "wait", url.Values{"service": services})
}

// WaitUp returns the services when all of them are ready or done, however often
// they fail before.
func (c Client) WaitUp(ctx context.Context, services ...string) (Info, error) {
	return c.do(ctx, "GET", "wait", url.Values{"service": services, "keep": {"true"}})
}

// Start starts services that do not run.
func (c Client) Start(ctx context.Context, services ...string) (Info, error) {
	return c.post(ctx, "start", services)
}

// Stop stops services; the run goes on.
func (c Client) Stop(ctx context.Context, services ...string) (Info, error) {
	return c.post(ctx, "stop", services)
}

// Restart starts services anew.
func (c Client) Restart(ctx context.Context, services ...string) (Info, error) {
	return c.post(ctx, "restart", services)
}

// Down ends the run. It returns before that has ended.
func (c Client) Down(ctx context.Context) error {
	if _, err := c.do(ctx, "POST", "down", nil); !errors.Is(err, launcher.ErrEnded) {
		return err
	}
	return nil // it has ended already
}

// steer asks something of the services, or, without any, of all.
func (c Client) post(ctx context.Context, what string, services []string) (Info, error) {
	query := url.Values{"service": services}
	if len(services) == 0 {
		query.Set("all", "true")
	}
	return c.do(ctx, "POST", what, query)
}

// do sends a request. The error is an *launcher.UnknownServiceError, is
// launcher.ErrOver, is ctx's, or says why there is no answer.
func (c Client) do(ctx context.Context, method, what string, query url.Values) (Info, error) {
	response, err := c.send(ctx, method, what, query)
	if err != nil {
		return Info{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Info{}, responseError(response, query["service"])
	}
	var info Info
	if err = json.NewDecoder(response.Body).Decode(&info); err != nil {
		return info, c.unreachable(ctx, err)
	}
	return info, nil
}

// unreachable is the error of a request that was not answered: ErrOver if that
// is because the run has ended.
func (c Client) unreachable(ctx context.Context, err error) error {
	alive := errors.Is(err, errNoSocket) || errors.As(err, new(*UnresponsiveError))
	if ctx.Err() == nil && c.ended != nil && !alive && c.ended(ctx) {
		return launcher.ErrEnded
	}
	return errors.Join(ctx.Err(), err)
}

func (c Client) send(ctx context.Context, method, what string, query url.Values) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://devports/v1/"+what+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	if c.greet != nil {
		if err := c.greet(ctx); err != nil {
			return nil, c.unreachable(ctx, err)
		}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return response, nil
}

// failed is the error of an answer that is one.
func responseError(response *http.Response, services []string) error {
	var failure Failure
	if err := json.NewDecoder(response.Body).Decode(&failure); err != nil {
		return fmt.Errorf("the run answers %s", response.Status)
	}
	switch response.StatusCode {
	case http.StatusNotFound:
		unknown := slices.DeleteFunc(slices.Clone(services), func(s string) bool { return slices.Contains(failure.Known, s) })
		return &launcher.UnknownServiceError{Names: unknown, Known: failure.Known}
	case http.StatusConflict:
		return launcher.ErrEnded
	case http.StatusLocked:
		return ErrHeld
	}
	return errors.New(failure.Error)
}
