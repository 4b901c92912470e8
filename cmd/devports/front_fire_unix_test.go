//go:build unix

package main

import (
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
	"syscall"
	"testing"
	"time"
)

// siege are checkouts that are started and killed, and that swap their ports and
// their names, while strangers listen on the ports as soon as they are free.
type siege struct {
	*frontHome
	firstPort int
	over      atomic.Bool
	all       sync.WaitGroup
}

// besieged is a checkout of a siege. Only one goroutine uses it.
type besieged struct {
	dir     string
	project string
	port    int
	run     *exec.Cmd // nil: it does not run
}

func (s *siege) write(c *besieged) {
	text := fmt.Sprintf("project = %q\n[services.web]\ncommand = \"exec serve\"\nport = %d\n", c.project, c.port)
	temporary := filepath.Join(c.dir, "Portfile.new")
	if err := os.WriteFile(temporary, []byte(text), 0o600); err == nil {
		_ = os.Rename(temporary, filepath.Join(c.dir, "Portfile"))
	}
}

func (s *siege) start(c *besieged) {
	c.run = exec.Command("devports", "up")
	c.run.Dir, c.run.Env = c.dir, s.env
	if err := c.run.Start(); err != nil {
		s.t.Error(err)
		c.run = nil
	}
}

func (s *siege) end(c *besieged, sig os.Signal) {
	_ = c.run.Process.Signal(sig)
	_ = c.run.Wait()
	c.run = nil
}

// command starts, ends and edits checkouts at random.
func (s *siege) command(checkouts []*besieged) {
	defer func() {
		for _, c := range checkouts {
			if c.run != nil {
				s.end(c, os.Interrupt)
			}
		}
	}()
	for !s.over.Load() {
		a, b := checkouts[rand.IntN(len(checkouts))], checkouts[rand.IntN(len(checkouts))]
		switch n := rand.IntN(10); {
		case a.run == nil:
			s.start(a)
		case n < 2:
			s.end(a, syscall.SIGKILL)
		case n < 3:
			s.end(a, os.Interrupt)
		case n < 4:
			s.killService(a)
		case n < 6: // while they run
			a.port, b.port = b.port, a.port
			s.write(a)
			s.write(b)
		case n < 8 && a != b && b.run != nil:
			s.end(a, syscall.SIGKILL)
			s.end(b, syscall.SIGKILL)
			a.project, b.project = b.project, a.project
			s.write(a)
			s.write(b)
			s.start(a)
			s.start(b)
		}
		time.Sleep(time.Duration(rand.IntN(int(2*time.Second) / len(checkouts))))
	}
}

// killService kills the process of the service, which restarts after a backoff.
func (s *siege) killService(c *besieged) {
	client := s.client()
	client.Timeout = 100 * time.Millisecond
	defer client.CloseIdleConnections()
	response, err := client.Get(fmt.Sprintf("http://web.%s.localhost:%d/pid", c.project, s.port))
	if err != nil {
		return
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && response.StatusCode == http.StatusOK {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// grab listens on ports of the checkouts.
func (s *siege) grab(ports int) (grabbed int) {
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Stranger", "1")
		fmt.Fprint(w, "stranger")
	})}
	addresses := []string{"127.0.0.1:%d", "[::1]:%d", "0.0.0.0:%d", "[::]:%d"}
	for !s.over.Load() {
		l, err := net.Listen("tcp", fmt.Sprintf(addresses[rand.IntN(len(addresses))], s.firstPort+rand.IntN(ports)))
		if err != nil {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		grabbed++
		go func() { _ = server.Serve(l) }()
		time.Sleep(time.Duration(rand.IntN(int(time.Millisecond))))
		l.Close()
		time.Sleep(time.Duration(rand.IntN(int(10 * time.Millisecond)))) // so that checkouts can start
	}
	server.Close()
	return grabbed
}

// ask sends a request for a project. It returns the status; 0 for none.
func (s *siege) ask(client *http.Client, project string) (status int) {
	response, err := client.Get(fmt.Sprintf("http://web.%s.localhost:%d/identity", project, s.port))
	if err != nil {
		return 0 // it would wait
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0
	}
	who := response.Header.Get("X-Devports")
	switch {
	case response.Header.Get("X-Stranger") != "" || strings.HasPrefix(string(text), "stranger"):
		s.t.Errorf("a stranger responded for %s: %v %s", project, response.Header, text)
	case response.StatusCode == http.StatusOK && (who != string(text) || who != project+"//web"):
		s.t.Errorf("for %s, %s responded, as %s", project, text, who)
	case who != "-" && who != project+"//web":
		s.t.Errorf("for %s, the response is of %s", project, who)
	}
	return response.StatusCode
}

// A name is only ever answered by its own service, whatever happens to the
// checkouts and their ports.
func TestOnlyOwnServices(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	requests, checkouts := *requestsFlag, min(50, max(6, *requestsFlag/2000))
	s := &siege{frontHome: newFrontHome(t), firstPort: 21000}
	keeper := s.checkout("keeper", "[services]\nweb = \"exec serve\"\n") // keeps the front
	s.up(keeper)
	s.await(s.client(), fmt.Sprintf("http://web.keeper.localhost:%d/pid", s.port))

	const commanders = 2 // of disjoint checkouts
	groups := make([][]*besieged, commanders)
	for i := range checkouts {
		c := &besieged{dir: s.checkout(fmt.Sprint("c", i), ""), project: fmt.Sprint("p", i), port: s.firstPort + i}
		s.write(c)
		s.start(c)
		groups[i%commanders] = append(groups[i%commanders], c)
	}
	for _, group := range groups {
		s.all.Go(func() { s.command(group) })
	}
	var grabbed atomic.Int64
	for range 2 {
		s.all.Go(func() { grabbed.Add(int64(s.grab(checkouts))) })
	}
	var sent atomic.Int64
	var mu sync.Mutex
	statuses := map[int]int{}
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			client := s.client()
			client.Timeout = 200 * time.Millisecond
			client.Transport.(*http.Transport).DisableKeepAlives = i%2 == 0
			own := map[int]int{}
			for int(sent.Load()) < requests && !t.Failed() {
				status := s.ask(client, fmt.Sprint("p", rand.IntN(checkouts)))
				own[status]++
				if status != http.StatusNotFound && status != 0 { // it runs
					sent.Add(1)
				}
				time.Sleep(time.Duration(rand.IntN(int(5 * time.Millisecond))))
			}
			mu.Lock()
			defer mu.Unlock()
			for status, n := range own {
				statuses[status] += n
			}
		})
	}
	clients.Wait()
	s.over.Store(true)
	s.all.Wait()
	t.Logf("%d checkouts, strangers listened %d times; statuses: %v", checkouts, grabbed.Load(), statuses)
	if statuses[http.StatusOK] < requests/2 {
		t.Errorf("only %d of %d requests were answered", statuses[http.StatusOK], requests)
	}
}
