package front

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
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
	f, r, _, web := newSite(t, "127.0.0.1:%d")
	web.Port, web.Restarts = freePort(t), 1
	address := fmt.Sprintf("127.0.0.1:%d", web.Port)
	ours := startWith(t, "ours", address, "FRONT_TEST_TURNS=1")
	stranger := startWith(t, "stranger", address, "FRONT_TEST_TURNS=1")
	r.set(web, ours.pid)
	var mu sync.Mutex
	statuses := map[int]int{}
	var clients sync.WaitGroup
	end := time.Now().Add(2 * time.Second)
	for range 4 {
		clients.Go(func() {
			client := f.client()
			for time.Now().Before(end) {
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
