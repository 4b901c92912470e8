package front

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
)

// The workers of a service share its port. All must be its own.
func TestWorkers(t *testing.T) {
	f, r, _, web := newSite(t, "[::1]:%d")
	web.Port, web.Restarts = freePort(t), 1
	address := fmt.Sprintf("127.0.0.1:%d", web.Port)
	one, two := startReusing(t, "one", address), startReusing(t, "two", address)
	r.set(web, one.pid, two.pid)
	f.get("web.shop.localhost", "/", 200)
	three := startReusing(t, "three", address)
	web.Restarts++
	r.set(web, one.pid, two.pid)
	_, text := f.get("web.shop.localhost", "/", 502)
	if !strings.Contains(text, fmt.Sprintf("pid %d", three.pid)) {
		t.Errorf("%s", text)
	}
	three.stop()
	f.get("web.shop.localhost", "/", 200)
}

// While two processes take turns to listen on a port as fast as they can, only
// the service answers.
func TestTurns(t *testing.T) {
	f, r, earlier, web := newSite(t, "127.0.0.1:%d")
	earlier.stop() // so that it answers no request which comes before the change
	web.Port, web.Restarts = freePort(t), 1
	address := fmt.Sprintf("127.0.0.1:%d", web.Port)
	ours := startWith(t, "ours", address, "FRONT_TEST_TURNS=1")
	stranger := startWith(t, "stranger", address, "FRONT_TEST_TURNS=1")
	r.set(web, ours.pid)
	var mu sync.Mutex
	statuses := map[int]int{}
	var clients sync.WaitGroup
	end := time.Now().Add(2 * time.Second)
	last := end.Add(30 * time.Second)
	var answered atomic.Bool
	for range 4 {
		clients.Go(func() {
			client := f.client()
			for time.Now().Before(end) || !answered.Load() && time.Now().Before(last) {
				request, _ := http.NewRequest("GET", fmt.Sprintf("http://web.shop.localhost:%d/", f.port), nil)
				response, err := client.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				text, _ := io.ReadAll(response.Body)
				response.Body.Close()
				if response.StatusCode == http.StatusOK && !bytes.HasPrefix(text, []byte("ours GET")) || response.Header.Get("X-Name") == "stranger" {
					t.Errorf("%v %s", response, text)
				}
				if response.StatusCode == http.StatusOK {
					answered.Store(true)
				}
				mu.Lock()
				statuses[response.StatusCode]++
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	t.Logf("%v; pids %d and %d", statuses, ours.pid, stranger.pid)
	if statuses[http.StatusOK] == 0 {
		t.Error("the service has never answered")
	}
}

// The page of a service that has failed says that its port is taken, which may
// be why. A service that is stopped does not miss it.
func TestPortTakenFrom(t *testing.T) {
	place := newPlace(t)
	f := startFront(t, place, freePort(t), 0)
	r := announce(t, place, Run{ID: "1", Site: "shop", Project: "shop", Directory: "/shop"}, 0, nil)
	web := Service{Name: "web", Host: "web", Port: freePort(t), Exit: "exited with status 1"}
	said := fmt.Sprintf("nother process has port %d; if web needs it, stop that process first", web.Port)
	states := []launcher.State{launcher.StateFailed, launcher.StateBackoff, launcher.StateStopped}
	titles := map[launcher.State]string{
		launcher.StateFailed: "web has failed", launcher.StateBackoff: "web is restarting", launcher.StateStopped: "web is stopped",
	}
	text := func(state launcher.State) string {
		t.Helper()
		web.State, web.RestartAt, web.Restarts = state, time.Now().Add(time.Hour), web.Restarts+1
		r.set(web, 0)
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			request, _ := http.NewRequest("GET", fmt.Sprintf("http://web.shop.localhost:%d/", f.port), nil)
			request.Header.Set("Accept", "text/html")
			response, err := f.client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if strings.Contains(string(body), titles[state]) {
				return string(body)
			}
			if time.Now().After(end) {
				t.Fatalf("%s", body)
			}
		}
	}
	for _, state := range states {
		if got := text(state); strings.Contains(got, "nother process has") {
			t.Errorf("%s: %s", state, got)
		}
	}
	start(t, "stranger", fmt.Sprintf("127.0.0.1:%d", web.Port))
	for i, state := range states {
		if got := text(state); strings.Contains(got, said) != (i < 2) {
			t.Errorf("%s: %s", state, got)
		}
	}
}
