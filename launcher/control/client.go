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

// Client asks a run.
type Client struct{ http *http.Client }

// Dial returns a client for the run at a socket. It connects when it is used.
func Dial(path string) Client {
	return Client{&http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, path) },
		DisableKeepAlives: true,
	}}}
}

// A run that has just begun may not have made its socket yet.
const (
	beginning = 500 * time.Millisecond
	pause     = 10 * time.Millisecond
)

func dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	for end := time.Now().Add(beginning); ; time.Sleep(pause) {
		conn, err := d.DialContext(ctx, "unix", path)
		absent := errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)
		if !absent || ctx.Err() != nil || time.Now().After(end) {
			return conn, err
		}
	}
}

// Status tells what runs.
func (c Client) Status(ctx context.Context) (Info, error) { return c.do(ctx, "GET", "status", nil) }

// Wait returns the services when all of them are ready or have ended.
func (c Client) Wait(ctx context.Context, services ...string) (Info, error) {
	return c.do(ctx, "GET", "wait", services)
}

// Start starts services that do not run.
func (c Client) Start(ctx context.Context, services ...string) (Info, error) {
	return c.do(ctx, "POST", "start", services)
}

// Stop stops services; the run goes on.
func (c Client) Stop(ctx context.Context, services ...string) (Info, error) {
	return c.do(ctx, "POST", "stop", services)
}

// Restart starts services anew.
func (c Client) Restart(ctx context.Context, services ...string) (Info, error) {
	return c.do(ctx, "POST", "restart", services)
}

// Down ends the run. It returns before that has ended.
func (c Client) Down(ctx context.Context) error {
	if _, err := c.do(ctx, "POST", "down", nil); !errors.Is(err, launcher.ErrOver) {
		return err
	}
	return nil // it has ended already
}

// do sends a request. The error is an *launcher.UnknownServiceError, is
// launcher.ErrOver, is ctx's, or says why there is no answer.
func (c Client) do(ctx context.Context, method, what string, services []string) (Info, error) {
	address := "http://devports/v1/" + what + "?" + url.Values{"service": services}.Encode()
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return Info{}, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return Info{}, errors.Join(ctx.Err(), err)
	}
	defer response.Body.Close()
	body := json.NewDecoder(response.Body)
	if response.StatusCode == http.StatusOK {
		var info Info
		err := body.Decode(&info)
		return info, err
	}
	var failure Failure
	if err := body.Decode(&failure); err != nil {
		return Info{}, fmt.Errorf("the run answers %s", response.Status)
	}
	switch response.StatusCode {
	case http.StatusNotFound:
		unknown := slices.DeleteFunc(slices.Clone(services), func(s string) bool { return slices.Contains(failure.Known, s) })
		return Info{}, &launcher.UnknownServiceError{Names: unknown, Known: failure.Known}
	case http.StatusConflict:
		return Info{}, launcher.ErrOver
	}
	return Info{}, errors.New(failure.Error)
}
