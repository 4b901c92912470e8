package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Until tries at once, then at growing intervals.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		try := func(context.Context) error {
			at = append(at, time.Since(start))
			if len(at) == 12 {
				return nil
			}
			return errors.New("not yet")
		}
		failures := 0
		if err := Until(t.Context(), try, func(err error, since time.Duration) {
			failures++
			if err.Error() != "not yet" || since != time.Since(start) {
				t.Errorf("%v after %v", err, since)
			}
		}); err != nil {
			t.Error(err)
		}
		if failures != 11 || at[0] != 0 || at[1] != MinPause {
			t.Errorf("%d failures, tries at %v", failures, at)
		}
		for i := 2; i < len(at); i++ {
			pause, before := at[i]-at[i-1], at[i-1]-at[i-2]
			if pause > MaxPause || pause < before {
				t.Errorf("a pause of %v after one of %v", pause, before)
			}
		}
		if last := at[11] - at[10]; last != MaxPause {
			t.Errorf("the last pause is %v", last)
		}
	})
}

// After a minute of failures tries are rare.
func TestUntilSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		early, late := 0, 0
		_ = Until(ctx, func(context.Context) error { return errors.New("never") }, func(_ error, since time.Duration) {
			if since < SlowAfter {
				early++
			} else {
				late++
			}
		})
		if early < 50 || early > 80 || late < 350 || late > 360 {
			t.Errorf("%d tries in the first minute, %d later", early, late)
		}
	})
}

// A try times out, and Until returns when ctx is done.
func TestUntilTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := Until(ctx, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, func(err error, since time.Duration) {
			if want := "no response within 3 s"; err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func listen(t *testing.T, address string) (net.Listener, int) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, l.Addr().(*net.TCPAddr).Port
}

func TestTCP(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		for attempt := 1; ; attempt++ {
			l, port := listen(t, address)
			if err := TCP(port)(t.Context()); err != nil {
				t.Errorf("%s: %v", address, err)
			}
			l.Close()
			err := TCP(port)(t.Context())
			if err == nil && attempt < 5 {
				continue // another process listens there, on another address or since
			}
			if err == nil || err.Error() != "nothing listens on port "+strconv.Itoa(port) {
				t.Errorf("%s, closed: %v", address, err)
			}
			break
		}
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		case "/broken":
			panic(http.ErrAbortHandler)
		default:
			status, _ := strconv.Atoi(r.URL.Path[1:])
			w.WriteHeader(status)
		}
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(u.Port())
	for path, want := range map[string]string{
		"/200": "", "/204": "", "/304": "", "/moved": "",
		"/404": "/404 returned 404 Not Found", "/500": "/500 returned 500 Internal Server Error", "/broken": "EOF",
	} {
		got := ""
		if err := HTTP(port, path)(t.Context()); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// A server that accepts and never answers is not ready.
func TestHTTPSilence(t *testing.T) {
	_, port := listen(t, "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := HTTP(port, "/")(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A server that expects HTTPS is recognised, however it reacts to a request without
// TLS.
func TestHTTPS(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler()) // answers 400
	defer server.Close()
	l, port := listen(t, "127.0.0.1:0")
	go func() { // one that answers with an alert
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = tls.Server(conn, server.TLS).Handshake()
			conn.Close()
		}
	}()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	answering, _ := strconv.Atoi(u.Port())
	for _, port := range []int{answering, port} {
		var https *HTTPSError
		if err := HTTP(port, "/")(t.Context()); !errors.As(err, &https) || https.Port != port {
			t.Errorf("port %d: %v", port, err)
		}
	}
}
