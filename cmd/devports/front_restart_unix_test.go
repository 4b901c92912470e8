//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
)

var requestsFlag = flag.Int("requests", 2000, "how many requests TestRequestsDuringRestarts sends; TestOnlyOwnServices sends ten times as many")

// frontHome is an environment in which runs share a front.
type frontHome struct {
	t    testing.TB
	env  []string
	port int // of the front
}

func newFrontHome(t testing.TB, env ...string) *frontHome {
	t.Helper()
	runtime, err := os.MkdirTemp("", "front") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(runtime) })
	h := &frontHome{t: t, port: unusedPort(t)}
	home := t.TempDir()
	h.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + os.TempDir(), "XDG_RUNTIME_DIR=" + runtime,
		"DEVPORTS_HOME=" + filepath.Join(home, ".devports"), "GORACE=atexit_sleep_ms=0", fmt.Sprintf("DEVPORTS_FRONT=%d", h.port),
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"),
	}, env...)
	return h
}

// givenPorts are the ports that unusedPort has returned.
var givenPorts sync.Map

// unusedPort returns a port that no socket has, another one each time. Unlike an
// ephemeral one, no connection gets it meanwhile.
func unusedPort(t testing.TB) int {
	t.Helper()
	local, err := allocator.LocalPorts()
	if err != nil {
		t.Fatal(err)
	}
	key := allocator.Key{Project: t.Name(), PortName: allocator.PortName{Service: strconv.FormatUint(rand.Uint64(), 10)}}
	port, err := allocator.NewPool(allocator.Set{}, local).Choose(key, func(port int) bool {
		free, err := allocator.Free(port)
		if !free || err != nil {
			return false
		}
		_, given := givenPorts.LoadOrStore(port, true)
		return !given
	})
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// checkout creates a directory with a Portfile.
func (h *frontHome) checkout(name, portfile string) (dir string) {
	h.t.Helper()
	dir = filepath.Join(h.t.TempDir(), name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Portfile"), []byte(portfile), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return dir
}

// devports runs devports in a directory.
func (h *frontHome) devports(dir string, args ...string) (string, error) {
	c := exec.Command("devports", args...)
	c.Dir, c.Env = dir, h.env
	out, err := c.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("devports %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// up starts a run in the background until the test ends.
func (h *frontHome) up(dir string) {
	h.t.Helper()
	if _, err := h.devports(dir, "up", "-d"); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _, _ = h.devports(dir, "down") })
}

// client sends requests to the front, whatever their names resolve to.
func (h *frontHome) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", h.port))
			},
			MaxIdleConnsPerHost: 100,
		},
		Timeout: 30 * time.Second,
	}
}

// await sends requests until one is answered with 200.
func (h *frontHome) await(client *http.Client, url string) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		response, err := client.Get(url)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(end) {
			h.t.Fatalf("%s: %v %v", url, response, err)
		}
	}
}

// Requests that arrive while devports restart is at work wait, and none fails,
// with or without a body, although the service does not finish any when it is
// asked to end.
func TestRequestsDuringRestarts(t *testing.T) {
	h := newFrontHome(t)
	dir := h.checkout("shop", "[services]\nweb = \"exec serve\"\n")
	h.up(dir)
	url := fmt.Sprintf("http://web.shop.localhost:%d", h.port)
	h.await(h.client(), url+"/pid")

	restarts := max(4, *requestsFlag/500)
	var sent atomic.Int32
	pids := sync.Map{}
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			client := h.client()
			for ctx.Err() == nil || int(sent.Load()) < *requestsFlag {
				sent.Add(1)
				if err := sendOne(client, url, i%2 == 0, &pids); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range restarts {
		if _, err := h.devports(dir, "restart", "web"); err != nil {
			t.Error(err)
			break
		}
	}
	stop()
	clients.Wait()
	seen := 0
	pids.Range(func(any, any) bool { seen++; return true })
	t.Logf("%d requests, %d restarts, %d processes answered", sent.Load(), restarts, seen)
	if seen < restarts {
		t.Errorf("requests were answered by %d processes, want at least %d", seen, restarts)
	}
}

// sendOne sends a request and checks the response.
func sendOne(client *http.Client, url string, post bool, pids *sync.Map) error {
	body := strings.Repeat("body ", 1000)
	var response *http.Response
	var err error
	if post {
		response, err = client.Post(url+"/echo", "text/plain", strings.NewReader(body))
	} else {
		response, err = client.Get(url + "/pid")
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK, post && string(text) != body:
		return errors.New(response.Status + ": " + string(text))
	case !post:
		pids.Store(string(text), true)
	}
	return nil
}
