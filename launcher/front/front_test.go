package front

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
)

// A process that does not belong to the service never answers for it.
func TestStrangers(t *testing.T) {
	place := newPlace(t)
	f := startFront(t, place, freePort(t), 0)
	r := announce(t, place, Run{ID: "1", Site: "shop", Project: "shop", Directory: "/shop"}, 0, nil)
	for _, tt := range []struct {
		name, ours, strange string
		status              int
	}{
		{"the only one", "", "127.0.0.1:%d", 502},
		{"the only one, on all addresses", "", ":%d", 502},
		{"beside it, on IPv6", "127.0.0.1:%d", "[::1]:%d", 200},
		{"on IPv4, beside ours on IPv6", "[::1]:%d", "127.0.0.1:%d", 200},
		{"more specific, ours also on IPv6", ":%d", "127.0.0.1:%d", 200},
		{"less specific", "127.0.0.1:%d", "0.0.0.0:%d", 200},
		{"on all addresses of IPv6", "0.0.0.0:%d", "[::]:%d only", 200},
		{"on all addresses of IPv4", "[::]:%d only", "0.0.0.0:%d", 200},
		{"on all addresses", "0.0.0.0:%d", "[::]:%d", 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			web := Service{Name: "web", Host: "web", Port: freePort(t), State: launcher.StateReady}
			var ours backendProcess
			if tt.ours != "" {
				ours = startReusing(t, "ours", fmt.Sprintf(tt.ours, web.Port))
				defer ours.stop()
			}
			stranger := startReusing(t, "stranger", fmt.Sprintf(tt.strange, web.Port))
			defer stranger.stop()
			r.set(web, ours.pid)
			response, text := f.get("web.shop.localhost", "/", tt.status)
			if tt.status == 502 && (!strings.Contains(text, fmt.Sprintf("pid %d", stranger.pid)) || strings.Contains(text, "stranger GET")) {
				t.Errorf("%s", text)
			}
			if tt.status == 200 && !strings.HasPrefix(text, "ours GET") {
				t.Errorf("%s", text)
			}
			if who := response.Header.Get("X-Devports"); who != "shop//web" {
				t.Errorf("it is %s", who)
			}
		})
	}
	t.Run("shares the port", func(t *testing.T) { // SO_REUSEPORT
		web := Service{Name: "web", Host: "web", Port: freePort(t), State: launcher.StateReady, Restarts: 7}
		ours := startReusing(t, "ours", fmt.Sprintf("127.0.0.1:%d", web.Port))
		r.set(web, ours.pid)
		f.get("web.shop.localhost", "/", 200)
		stranger := startReusing(t, "stranger", fmt.Sprintf("127.0.0.1:%d", web.Port))
		web.Restarts++ // so that no connection is kept
		r.set(web, ours.pid)
		_, text := f.get("web.shop.localhost", "/", 502)
		if !strings.Contains(text, fmt.Sprint(stranger.pid)) {
			t.Errorf("%s", text)
		}
		stranger.stop()
		if _, text := f.get("web.shop.localhost", "/", 200); !strings.HasPrefix(text, "ours") {
			t.Errorf("%s", text)
		}
	})
	t.Run("takes over", func(t *testing.T) { // the port was verified, the socket is another
		web := Service{Name: "web", Host: "web", Port: freePort(t), State: launcher.StateReady, Restarts: 17}
		ours := start(t, "ours", fmt.Sprintf("127.0.0.1:%d", web.Port))
		r.set(web, ours.pid)
		f.get("web.shop.localhost", "/", 200)
		ours.stop()
		start(t, "stranger", fmt.Sprintf("127.0.0.1:%d", web.Port))
		_, text := f.get("web.shop.localhost", "/", 502)
		if strings.Contains(text, "stranger GET") {
			t.Errorf("%s", text)
		}
	})
}

// A second run with the name of another is refused, and gets it afterwards.
func TestSiteTaken(t *testing.T) {
	f, r, _, web := newSite(t, "127.0.0.1:%d")
	p := start(t, "other", "127.0.0.1:0")
	other := announce(t, f.place, Run{ID: "2", Site: "shop", Project: "other", Directory: "/other"}, 0, nil)
	other.set(Service{Name: "web", Host: "web", Port: web.Port, State: launcher.StateReady}, p.pid)
	if note := <-other.notes; note != "no named addresses: the run in /shop has the name shop" {
		t.Error(note)
	}
	if response, _ := f.get("web.shop.localhost", "/", 200); response.Header.Get("X-Devports") != "shop//web" {
		t.Errorf("%v", response.Header)
	}
	r.stop()
	f.get("web.shop.localhost", "/", 502) // the listener is not one of the other run
}

// The routes of a run end with its connection.
func TestRunEnds(t *testing.T) {
	f, r, _, _ := newSite(t, "127.0.0.1:%d")
	r.stop()
	f.get("web.shop.localhost", "/", 404)
	f.get("shop.localhost", "/", 404)
}

// Another front takes over from one that has died.
func TestFrontDies(t *testing.T) {
	f, r, _, _ := newSite(t, "127.0.0.1:%d")
	began := time.Now()
	f.stop()
	next := startFront(t, f.place, f.port, 0)
	next.get("web.shop.localhost", "/", 200)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if r.starts == 0 {
		t.Log("the run has not tried to start one") // the next one may have been faster
	}
}

// A run of a later protocol makes an earlier front yield: the routes of all runs
// are carried over, and an open request continues.
func TestLaterProtocol(t *testing.T) {
	f, _, p, web := newSite(t, "127.0.0.1:%d")
	client := f.client()
	events, err := client.Get(fmt.Sprintf("http://web.shop.localhost:%d/events", f.port))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	silent, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.port)) // like a browser's, in advance
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	socket, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.port))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	fmt.Fprintf(socket, "GET /socket HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	reply := bufio.NewReader(socket)
	if upgraded, err := http.ReadResponse(reply, nil); err != nil || upgraded.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", upgraded, err)
	}
	started := make(chan *testFront, 10)
	later := announce(t, f.place, Run{ID: "2", Site: "later", Project: "later", Directory: "/later"}, Protocol+1, func() error {
		release, err := f.place.Claim()
		if err != nil {
			return err // the earlier front still holds it: tried again
		}
		if err := release(); err != nil {
			return err
		}
		started <- startFront(t, f.place, f.port, Protocol+1)
		return nil
	})
	later.set(Service{Name: "web", Host: "web", Port: web.Port, State: launcher.StateReady}, p.pid)
	next := <-started
	next.get("web.later.localhost", "/", 200)
	next.get("web.shop.localhost", "/", 200)
	if _, err := io.ReadFull(events.Body, make([]byte, 200)); err != nil { // some of them later than the yield
		t.Errorf("the open request: %v", err)
	}
	if fmt.Fprint(socket, "hello"); !echoes(socket, "hello") {
		t.Error("the open WebSocket does not respond")
	}
	events.Body.Close()
	socket.Close()
	began := time.Now()
	<-f.ended
	if took := time.Since(began); took > drainTime/2 {
		t.Errorf("the earlier front ends %s after the last request", took)
	}
}

// echoes reports whether the other side sends a text.
func echoes(conn net.Conn, text string) bool {
	got := make([]byte, len(text))
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	_, err := io.ReadFull(conn, got)
	return err == nil && string(got) == text
}

// A front ends when no run has been connected for a while.
func TestIdle(t *testing.T) {
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
	began := time.Now()
	go func() {
		defer close(ended)
		Serve(t.Context(), Options{Listeners: listeners, Port: port, Socket: socket, Idle: 300 * time.Millisecond}, func() {})
	}()
	<-ended
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("it ended after %s", took)
	}
	if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
		conn.Close()
		t.Error("it still listens")
	}
	if _, err := os.Stat(socket.Addr().String()); err == nil {
		t.Error("its socket still exists")
	}
}

// A run that starts a front does not report why an earlier one failed.
func TestEarlierFailure(t *testing.T) {
	place := newPlace(t)
	fail := func() {
		release, err := place.Claim()
		if err != nil {
			return // another one has started at the same time
		}
		_ = place.Fail(errors.New("taken"))
		_ = release()
	}
	fail()
	// Each of several runs at once reports the failure of one of their fronts.
	var runs sync.WaitGroup
	for range 20 {
		runs.Go(func() {
			_, err := place.Ensure(t.Context(), func() error {
				go fail()
				return nil
			})
			if err == nil || err.Error() != "taken" {
				t.Errorf("the failure is %v", err)
			}
		})
	}
	runs.Wait()
	port := freePort(t)
	note, err := place.Ensure(t.Context(), func() error {
		if text := place.failure(); text != "" {
			t.Errorf("the front that is started has failed already: %s", text)
		}
		startFront(t, place, port, 0)
		return nil
	})
	if err != nil || note.Port != port {
		t.Errorf("%v, %v", note, err)
	}
}

func TestPortTaken(t *testing.T) {
	port := freePort(t)
	for _, address := range []string{"127.0.0.1:%d", "[::1]:%d"} {
		l, err := net.Listen("tcp", fmt.Sprintf(address, port))
		if err != nil {
			t.Fatal(err)
		}
		if listeners, err := ListenPort(port); err == nil {
			t.Errorf("%s: it listens beside another program: %v", address, listeners)
		}
		l.Close()
	}
	listeners, err := ListenPort(port)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range listeners {
		l.Close()
	}
}
