package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/front"
	"github.com/devports/devports/launcher/front/dashboard"
)

var idleFlag = flag.Duration("idle", 0, "how long TestIdleFront watches whether the front wakes up; 0 skips it")

// A front of a hundred checkouts, each with ten services, needs little memory and
// does not wake up while nothing happens.
func TestIdleFront(t *testing.T) {
	if *idleFlag == 0 {
		t.Skip("needs -idle")
	}
	const checkouts, services, maxMemory = 100, 10, 20 << 10 // KiB
	h := newFrontHome(t)
	env := map[string]string{}
	for _, entry := range h.env {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	s := session{getenv: func(name string) string { return env[name] }}
	place, err := s.frontPlace()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "devports") // the test's own needs more memory
	if out, err := staticBuild(program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pid := h.startProcess(program, append(frontArguments, strconv.Itoa(h.port))...)
	for i := range checkouts {
		var all []front.Service
		for j := range services {
			name := fmt.Sprint("service", j)
			all = append(all, front.Service{Name: name, Host: name, Port: 20000 + i*services + j, State: launcher.StateReady, PID: 1, Address: fmt.Sprintf("http://%s.checkout%d.localhost:%d", name, i, h.port)})
		}
		announced := front.Announce(front.Announcement{
			Place:     place,
			Run:       front.Run{ID: fmt.Sprint(i), Site: fmt.Sprint("checkout", i), Project: "checkout", Worktree: fmt.Sprint(i), Directory: fmt.Sprint("/checkout", i)},
			Start:     func() error { return nil },
			Services:  func(context.Context) ([]front.Service, error) { return all, nil },
			Processes: func(context.Context, string) ([]int, error) { return nil, nil },
			Note:      func(text string) { t.Error(text) },
		})
		t.Cleanup(announced.Stop)
	}
	client := h.client()
	client.Timeout = time.Second
	for i := range checkouts {
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			response, err := client.Get(fmt.Sprintf("http://checkout%d.localhost:%d/", i, h.port))
			if err == nil {
				response.Body.Close()
				if response.StatusCode == 200 {
					break
				}
			}
			if time.Now().After(end) {
				t.Fatalf("checkout%d: %v %v", i, response, err)
			}
		}
	}
	// What a page has made the dashboard watch, it does not watch afterwards.
	runs, err := s.runs()
	if err != nil {
		t.Fatal(err)
	}
	token, err := dashboard.Token(runs)
	if err != nil {
		t.Fatal(err)
	}
	home := fmt.Sprintf("http://devports.localhost:%d", h.port)
	ask := func(method, path, body string, cookies []*http.Cookie, status int) []*http.Cookie {
		request, _ := http.NewRequest(method, home+path, strings.NewReader(body))
		request.Header.Set("Origin", home)
		request.Header.Set("Content-Type", "application/json")
		for _, c := range cookies {
			request.AddCookie(c)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Fatalf("%s: %s", path, response.Status)
		}
		return response.Cookies()
	}
	signedIn := ask("POST", "/api/session", `{"token":"`+token+`","plain":true}`, nil, http.StatusNoContent)
	ask("GET", "/api/state", "", signedIn, http.StatusOK)
	client.CloseIdleConnections()
	time.Sleep(6 * time.Second) // until its last deadlines have passed
	// A wake-up of Go's runtime, one a minute, consists of dozens of short sleeps.
	total, awake, before := 0, 0, switches(t, pid)
	for range int(idleFlag.Seconds()) {
		time.Sleep(time.Second)
		now := switches(t, pid)
		if now != before {
			awake++
		}
		total, before = total+now-before, now
	}
	rss, pss := kibibytes(t, pid, "status", "VmRSS"), kibibytes(t, pid, "smaps_rollup", "Pss")
	t.Logf("RSS %d KiB, PSS %d KiB; woken in %d seconds of %s, %d switches", rss, pss, awake, *idleFlag, total)
	if rss > maxMemory {
		t.Errorf("it needs %d KiB, want at most %d", rss, maxMemory)
	}
	if awake > 1+int(idleFlag.Minutes()) {
		t.Errorf("it was woken in %d seconds of %s", awake, *idleFlag)
	}
}

// switches is how often the threads of a process have been woken.
func switches(t *testing.T, pid int) (n int) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		n += field(t, file, "voluntary_ctxt_switches")
	}
	return n
}

func kibibytes(t *testing.T, pid int, file, name string) int {
	t.Helper()
	return field(t, fmt.Sprintf("/proc/%d/%s", pid, file), name)
}

// field is the number in a line such as "VmRSS:  10 kB".
func field(t *testing.T, file, name string) int {
	t.Helper()
	text, _ := os.ReadFile(file)
	match := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindSubmatch(text)
	if match == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(match[1]))
	return n
}

// startProcess starts a program that is killed when the test ends.
func (h *frontHome) startProcess(program string, args ...string) (pid int) {
	h.t.Helper()
	c := exec.Command(program, args...)
	c.Env = h.env
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c.Process.Pid
}
