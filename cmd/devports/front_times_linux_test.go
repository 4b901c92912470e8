package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// frontPIDs are the live fronts of this environment.
func (h *frontHome) frontPIDs() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		if isFront(args) && args[3] == strconv.Itoa(h.port) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// oneFront waits until there is one front.
func (h *frontHome) oneFront() (pid int) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		pids := h.frontPIDs()
		if len(pids) == 1 {
			return pids[0]
		}
		if time.Now().After(end) {
			h.t.Fatalf("fronts: %v", pids)
		}
	}
}

// Runs that start at once start one front, and all have their names.
func TestOneFront(t *testing.T) {
	h := newFrontHome(t)
	const runs = 6
	started := make(chan error, runs)
	for i := range runs {
		dir := h.checkout(fmt.Sprint("shop", i), "[services]\nweb = \"exec serve\"\n")
		t.Cleanup(func() { _, _ = h.devports(dir, "down") })
		go func() {
			_, err := h.devports(dir, "up", "-d")
			started <- err
		}()
	}
	for range runs {
		if err := <-started; err != nil {
			t.Error(err)
		}
	}
	await := func() {
		for i := range runs {
			h.await(h.client(), fmt.Sprintf("http://web.shop%d.localhost:%d/pid", i, h.port))
		}
	}
	await()
	pid := h.oneFront()
	await()
	if now := h.oneFront(); now != pid {
		t.Errorf("the front was %d, now it is %d", pid, now)
	}
}

// A front that was killed is back soon, with the names of all runs and their
// points. A busy machine is not busy all the time.
func TestFrontIsBack(t *testing.T) {
	const rounds = 5
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("needs IPv6: ", err)
	} else {
		l.Close()
	}
	h := newFrontHome(t)
	var urls []string
	for _, name := range []string{"shop", "blog"} {
		dir := h.checkout(name, "[services]\nweb = \"exec serve\"\n")
		h.up(dir)
		point := unusedPort(t)
		if _, err := h.devports(dir, "point", strconv.Itoa(point), "web"); err != nil {
			t.Fatal(err)
		}
		urls = append(urls, fmt.Sprintf("http://web.%s.localhost:%d/pid", name, h.port), fmt.Sprintf("http://127.0.0.1:%d/pid", point), fmt.Sprintf("http://[::1]:%d/pid", point))
	}
	named := h.client()
	direct := &http.Client{Transport: &http.Transport{}, Timeout: named.Timeout}
	await := func() {
		for _, url := range urls {
			client := direct
			if strings.Contains(url, ".localhost:") {
				client = named
			}
			h.await(client, url)
			client.CloseIdleConnections()
		}
	}
	await()
	for attempt := 1; ; attempt++ {
		var times []time.Duration
		for range rounds {
			pid := h.oneFront()
			began := time.Now()
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			await()
			times = append(times, time.Since(began))
			if now := h.oneFront(); now == pid {
				t.Fatal("the front lives on")
			}
		}
		slices.Sort(times)
		t.Logf("back after %v", times)
		if times[rounds/2] <= time.Second {
			return
		}
		if attempt == 5 {
			t.Fatalf("the front is back after %v", times)
		}
	}
}

// routeTimes measures, several times, how long after a service has begun to
// listen a request for its name is answered, and how long after its process was
// killed the front knows that.
func routeTimes(t testing.TB, rounds int) (appears, disappears []time.Duration) {
	t.Helper()
	h := newFrontHome(t)
	dir := h.checkout("shop", "[services.web]\ncommand = \"exec serve\"\nrestart = \"no\"\n[services.other]\ncommand = \"exec sleep 1000\"\nport = false\n")
	h.up(dir)
	client := h.client()
	get := func(path string) (int, string) {
		response, err := client.Get(fmt.Sprintf("http://web.shop.localhost:%d%s", h.port, path))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			return 0, ""
		}
		return response.StatusCode, strings.TrimSpace(string(text))
	}
	until := func(wanted int, path string) string {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; {
			status, text := get(path)
			if status == wanted {
				return text
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %d %s, want %d", path, status, text, wanted)
			}
		}
	}
	for range rounds {
		pid, err := strconv.Atoi(until(http.StatusOK, "/pid"))
		if err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(http.StatusServiceUnavailable, "/pid")
		disappears = append(disappears, time.Since(killed))
		restarted := make(chan error, 1)
		go func() {
			_, err := h.devports(dir, "restart", "web")
			restarted <- err
		}()
		since, err := strconv.ParseInt(until(http.StatusOK, "/since"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		appears = append(appears, time.Since(time.Unix(0, since)))
		if err := <-restarted; err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(appears)
	slices.Sort(disappears)
	return appears, disappears
}

// A service has its name as soon as it listens, and its end is known at once,
// without a timer, of which the shortest takes half a second. A busy machine is not
// busy all the time.
func TestRouteTimes(t *testing.T) {
	const rounds, limit = 20, 300 * time.Millisecond
	for attempt := 1; ; attempt++ {
		appears, disappears := routeTimes(t, rounds)
		for what, times := range map[string][]time.Duration{"it begins to listen": appears, "it was killed": disappears} {
			t.Logf("after %s: %v … %v … %v", what, times[0], times[rounds/2], times[rounds-1])
		}
		if max(appears[rounds/2], disappears[rounds/2]) <= limit {
			return
		}
		if attempt == 5 {
			t.Fatalf("after it begins to listen: %v, after it was killed: %v", appears, disappears)
		}
	}
}

func BenchmarkRouteTimes(b *testing.B) {
	appears, disappears := routeTimes(b, b.N)
	for what, times := range map[string][]time.Duration{"appears": appears, "disappears": disappears} {
		b.ReportMetric(float64(times[len(times)/2].Microseconds())/1e3, "ms-"+what+"-p50")
		b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1e3, "ms-"+what+"-p99")
	}
}
