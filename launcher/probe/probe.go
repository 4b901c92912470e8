// Package probe checks whether a service is ready.
package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/devports/devports/allocator/text"
)

// Try checks once whether a service is ready. The error is the reason why it is
// not.
type Try func(ctx context.Context) error

const (
	// The pause between two tries grows from MinPause to MaxPause. After SlowAfter,
	// when success is unlikely, it is SlowPause.
	MinPause  = 50 * time.Millisecond
	MaxPause  = time.Second
	SlowAfter = time.Minute
	SlowPause = 10 * time.Second

	// Timeout limits one try.
	Timeout = 3 * time.Second
)

// Until tries at once, and repeats that until a try succeeds or ctx is done, whose
// error it returns. It calls failed after each failed try, with the error and the
// time since the start.
func Until(ctx context.Context, try Try, failed func(err error, since time.Duration)) error {
	start := time.Now()
	for pause := MinPause; ; pause = min(pause*3/2, MaxPause) {
		once, cancel := context.WithTimeout(ctx, Timeout)
		err := try(once)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no response within %s", text.Duration(Timeout))
		}
		since := time.Since(start)
		failed(err, since)
		if since >= SlowAfter {
			pause = SlowPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// loopback are the addresses on which a local service may listen.
var loopback = []string{"127.0.0.1", "::1"}

// TCP succeeds when something accepts connections to port on 127.0.0.1 or ::1.
func TCP(port int) Try {
	return func(ctx context.Context) error {
		conn, err := dial(ctx, port)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// HTTP succeeds when a GET of path on port of 127.0.0.1 or ::1 returns a 2xx or 3xx
// status. It does not follow redirects.
func HTTP(port int, path string) Try {
	client := http.Client{
		Transport: &http.Transport{
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, port) },
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	url := "http://localhost:" + strconv.Itoa(port) + path
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			if ctx.Err() == nil && speaksTLS(ctx, port) {
				return &HTTPSError{port}
			}
			return reason(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusBadRequest && speaksTLS(ctx, port) {
			return &HTTPSError{port}
		}
		if response.StatusCode < 200 || response.StatusCode > 399 {
			return fmt.Errorf("%s returned %s", path, response.Status)
		}
		return nil
	}
}

// HTTPSError reports a server that expects HTTPS on a port.
type HTTPSError struct{ Port int }

func (e *HTTPSError) Error() string { return fmt.Sprintf("port %d expects HTTPS, not HTTP", e.Port) }

// speaksTLS reports whether the server on port answers a TLS handshake, even with
// an alert.
func speaksTLS(ctx context.Context, port int) bool {
	conn, err := dial(ctx, port)
	if err != nil {
		return false
	}
	defer conn.Close()
	// No data is sent, so the certificate does not matter.
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}).HandshakeContext(ctx)
	var alert *net.OpError
	return err == nil || errors.As(err, &alert) && alert.Op == "remote error"
}

// dial connects to port on the first loopback address that accepts.
func dial(ctx context.Context, port int) (conn net.Conn, err error) {
	var dialer net.Dialer
	for _, host := range loopback {
		if conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("nothing listens on port %d", port)
}

// reason returns the cause of an error of the client, without the request.
func reason(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if _, ok := err.(*net.OpError); ok {
			return err
		}
		err = inner
	}
}
