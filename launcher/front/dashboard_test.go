package front

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/front/dashboard"
	"github.com/devports/devports/launcher/logstore"
)

// A front lives as long as a page of its dashboard is open, and its end closes the
// page.
func TestDashboardOpen(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprintf("stopped=%t", stopped), func(t *testing.T) {
			// A busy machine may take longer to open the page than the front lives.
			for idle := 300 * time.Millisecond; !testOpen(t, stopped, idle); idle *= 2 {
				if idle > 20*time.Second {
					t.Fatal("the page does not open")
				}
			}
		})
	}
}

// testOpen is TestDashboardOpen for a front that lives so long without a page. It
// returns false if the front ended before the page was open.
func testOpen(t *testing.T, stopped bool, idle time.Duration) bool {
	home := t.TempDir()
	runs := control.NewRuns(home, "")
	place := newPlace(t)
	port := freePort(t)
	release, err := place.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer release() //nolint:errcheck
	listeners, err := ListenPort(port)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := place.Listen(port)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		defer close(ended)
		Serve(ctx, Options{
			Listeners: listeners, Port: port, Socket: socket, Idle: idle,
			Dashboard: &dashboard.Options{Runs: runs, Logs: logstore.New(home, logstore.DefaultLimit)},
		}, func() {})
	}()
	client := newPageClient(port)
	conn, err := openPage(t, client, runs, port)
	if err != nil {
		t.Log(err)
		awaitEnded(t, ended, idle)
		return false
	}
	defer conn.CloseNow() //nolint:errcheck
	_, text, err := conn.Read(t.Context())
	if err != nil {
		t.Log(err)
		awaitEnded(t, ended, idle)
		return false
	}
	if !strings.Contains(string(text), `"checkouts":[]`) {
		t.Fatalf("%s", text)
	}
	client.CloseIdleConnections()
	select {
	case <-ended:
		t.Log("it has ended although a page is open")
		return false
	case <-time.After(2 * idle):
	}
	began := time.Now()
	if stopped {
		stop()
		if _, _, err := conn.Read(t.Context()); err == nil {
			t.Error("the page is still connected")
		}
	} else {
		conn.CloseNow() //nolint:errcheck
	}
	<-ended
	if took := time.Since(began); took > idle+10*time.Second || !stopped && took < idle {
		t.Errorf("it ended after %v", took)
	}
	return true
}

// newPageClient returns a client of a front on a port.
func newPageClient(port int) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	}}}
}

// openPage signs in, and returns the connection of a page.
func openPage(t *testing.T, client *http.Client, runs control.Runs, port int) (*websocket.Conn, error) {
	t.Helper()
	token, err := dashboard.Token(runs)
	if err != nil {
		t.Fatal(err)
	}
	origin := fmt.Sprintf("http://%s:%d", dashboard.Host, port)
	r, _ := http.NewRequest(http.MethodPost, origin+"/api/session", strings.NewReader(fmt.Sprintf(`{"token": %q, "plain": true}`, token)))
	r.Header.Set("Origin", origin)
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusNoContent || response.Cookies()[0].Secure {
		t.Fatalf("%v", response)
	}
	header := http.Header{"Origin": {origin}, "Cookie": {response.Cookies()[0].String()}}
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(origin, "http", "ws", 1)+"/api/stream", &websocket.DialOptions{HTTPClient: client, HTTPHeader: header})
	return conn, err
}

// A page receives the new target of a port, also right after another
// change. No other change follows here.
func TestDashboardPoint(t *testing.T) {
	home := t.TempDir()
	runs := control.NewRuns(home, "")
	p := &pointed{t: t, place: newPlace(t), source: &testPoints{}, port: freePort(t)}
	p.front = startFrontWith(t, p.place, freePort(t), Options{
		Points: p.source.source(), Dashboard: &dashboard.Options{Runs: runs, Logs: logstore.New(home, logstore.DefaultLimit)},
	})
	p.point("a")
	client := newPageClient(p.front.port)
	defer client.CloseIdleConnections()
	conn, err := openPage(t, client, runs, p.front.port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow() //nolint:errcheck
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	await := func(state string) {
		t.Helper()
		for {
			_, text, err := conn.Read(ctx)
			if err != nil {
				t.Fatalf("the page does not receive %q: %v", state, err)
			}
			if strings.Contains(string(text), fmt.Sprintf(`"state":%q`, state)) {
				return
			}
		}
	}
	await("waiting")
	r := p.run("a", os.Getpid(), freePort(t))
	await("ready")
	r.stop()
	await("waiting")
}

// awaitEnded waits until a front without a page has ended.
func awaitEnded(t *testing.T, ended <-chan struct{}, idle time.Duration) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(idle + 30*time.Second):
		t.Fatal("the front does not end without a page")
	}
}
