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
	"syscall"
	"time"

	"github.com/devports/devports/launcher"
)

// Client sends requests to a run.
type Client struct {
	http *http.Client

	// ended reports whether a run that cannot be reached has ended; nil:
	// unknown. A run closes its socket before it ends.
	ended func(ctx context.Context) bool

	holder string // the checkout that Hold is for; "" for none
	force  bool   // see WithForce
	synced bool   // see WithoutSync

	// identify fails fast if the run does not respond; nil: no such check.
	identify func(ctx context.Context) error
}

// Dial returns a client for the run at a socket. It connects with the first
// request.
func Dial(path string) Client {
	return newClient(func(ctx context.Context) (net.Conn, error) { return dial(ctx, path) })
}

func newClient(dial func(context.Context) (net.Conn, error)) Client {
	return Client{http: &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableKeepAlives: true,
	}}}
}

// A run that has just started may not have created its socket yet.
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

// Abandoned reports whether path is a socket on which no process listens.
func Abandoned(path string) bool {
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Status returns the status of the run.
func (c Client) Status(ctx context.Context) (Info, error) { return c.do(ctx, "GET", "status", nil) }

// Check is Status, with a recheck of the services that are ready.
func (c Client) Check(ctx context.Context) (Info, error) {
	return c.do(ctx, "GET", "status", url.Values{"check": {"true"}})
}

// statusUnsynced is Status without waiting for recent edits.
func (c Client) statusUnsynced(ctx context.Context) (Info, error) {
	info, err := c.do(ctx, "GET", "status", url.Values{"sync": {"false"}})
	if errors.As(err, new(*OtherVersionError)) { // an earlier one, without this parameter
		return c.Status(ctx)
	}
	return info, err
}

// Wait waits until all services have settled: each is ready and responds, has
// ended, or is blocked by one that will not start on its own.
func (c Client) Wait(ctx context.Context, services ...string) (Info, error) {
	return c.wait(ctx, url.Values{"service": services})
}

// WaitUp waits until all services are ready or done, even if they fail in
// between.
func (c Client) WaitUp(ctx context.Context, services ...string) (Info, error) {
	return c.wait(ctx, url.Values{"service": services, "keep": {"true"}})
}

// WithoutSync returns a client whose Wait and WaitUp do not first have the run
// apply recent edits (sync=false). It is for use right after a request that
// did.
func (c Client) WithoutSync() Client {
	c.synced = true
	return c
}

func (c Client) wait(ctx context.Context, query url.Values) (Info, error) {
	if c.synced {
		query.Set("sync", "false")
	}
	info, err := c.do(ctx, "GET", "wait", query)
	if c.synced && errors.As(err, new(*OtherVersionError)) { // an earlier one, without this parameter
		query.Del("sync")
		return c.do(ctx, "GET", "wait", query)
	}
	return info, err
}

// Start starts services that are not running.
func (c Client) Start(ctx context.Context, services ...string) (Info, error) {
	return c.post(ctx, "start", services)
}

// Stop stops services; the run continues.
func (c Client) Stop(ctx context.Context, services ...string) (Info, error) {
	return c.post(ctx, "stop", services)
}

// Restart restarts services.
func (c Client) Restart(ctx context.Context, services ...string) (Info, error) {
	return c.post(ctx, "restart", services)
}

// Down stops the run. It does not wait for the end.
func (c Client) Down(ctx context.Context) error {
	if _, err := c.do(ctx, "POST", "down", nil); !errors.Is(err, launcher.ErrEnded) {
		return err
	}
	return nil // it has ended already
}

// post sends a command for the services, or for all if there are none.
func (c Client) post(ctx context.Context, command string, services []string) (Info, error) {
	query := url.Values{"service": services}
	if len(services) == 0 {
		query.Set("all", "true")
	}
	if c.force && (command == "stop" || command == "restart") {
		query.Set("others", "true")
	}
	return c.do(ctx, "POST", command, query)
}

// do sends a request whose response is the status of the run; see request.
func (c Client) do(ctx context.Context, method, path string, query url.Values) (Info, error) {
	return request[Info](ctx, c, method, path, query)
}

// request sends a request. The error is a *launcher.UnknownServiceError,
// launcher.ErrEnded, ErrHeld, a *SharedError, an *OtherVersionError, another
// *FailedError, ctx.Err(), or says why there is no response.
func request[T any](ctx context.Context, c Client, method, path string, query url.Values) (body T, err error) {
	response, err := c.send(ctx, method, path, query)
	if err != nil {
		return body, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return body, responseError(response, query["service"])
	}
	if err = json.NewDecoder(response.Body).Decode(&body); err != nil {
		return body, c.unreachable(ctx, err)
	}
	return body, nil
}

// unreachable returns the error of a request without a response: ErrEnded if
// the run has ended.
func (c Client) unreachable(ctx context.Context, err error) error {
	alive := errors.Is(err, errNoSocket) || errors.As(err, new(*UnresponsiveError)) || errors.As(err, new(*OtherVersionError))
	if ctx.Err() == nil && c.ended != nil && !alive && c.ended(ctx) {
		return launcher.ErrEnded
	}
	return errors.Join(ctx.Err(), err)
}

func (c Client) send(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, requestURL(path, query), nil)
	if err != nil {
		return nil, err
	}
	return c.sendRequest(request)
}

func requestURL(path string, query url.Values) string {
	return fmt.Sprintf("http://devports/v%d/%s?%s", Protocol, path, query.Encode())
}

func (c Client) sendRequest(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	if c.identify != nil {
		if err := c.identify(ctx); err != nil {
			return nil, c.unreachable(ctx, err)
		}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return response, nil
}

// responseError returns the error that a response reports.
func responseError(response *http.Response, services []string) error {
	var failure Failure
	if err := json.NewDecoder(response.Body).Decode(&failure); err != nil {
		if response.StatusCode == http.StatusNotFound {
			return &OtherVersionError{}
		}
		return fmt.Errorf("unexpected response: %s", response.Status)
	}
	if failure.Protocol != 0 {
		return &OtherVersionError{failure.Version, failure.Protocol}
	}
	switch response.StatusCode {
	case http.StatusNotFound:
		unknown := slices.DeleteFunc(slices.Clone(services), func(s string) bool { return slices.Contains(failure.Known, s) })
		return &launcher.UnknownServiceError{Names: unknown, Known: failure.Known}
	case http.StatusConflict:
		return launcher.ErrEnded
	case http.StatusLocked:
		if len(failure.Checkouts) > 0 {
			return &SharedError{failure.Service, failure.Checkouts}
		}
		return ErrHeld
	}
	return &FailedError{failure.Error}
}

// FailedError is an error response of a run. Text is its message.
type FailedError struct{ Text string }

func (e *FailedError) Error() string { return e.Text }
