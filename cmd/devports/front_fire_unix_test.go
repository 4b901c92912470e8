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

	// turns has a value for every requestsPerTurn requests: turmoil at a rate of
	// its own would leave the requests no processor time.
	turns chan struct{}
	// latest are the projects that each commander has changed last. Every second
	// request is for one of them.
	latest []atomic.Pointer[string]
}

const (
	requestsPerTurn = 100
	// turnLimit is how long a commander waits for its turn: requests that are not
	// answered do not count.
	turnLimit = 250 * time.Millisecond
)

// besieged is a checkout of a siege. Only one goroutine uses it.
type besieged struct {
	dir     string
	project string
	port    int
	run     *exec.Cmd
	ended   chan struct{} // closed when run has ended; nil: it has not started
}

func (c *besieged) runs() bool {
	if c.ended == nil {
		return false
	}
	select {
	case <-c.ended: // a stranger had its port
		return false
	default:
		return true
	}
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
		return
	}
	run, ended := c.run, make(chan struct{})
	c.ended = ended
	s.all.Go(func() {
		_ = run.Wait()
		close(ended)
	})
}

func (s *siege) end(c *besieged, sig os.Signal) {
	_ = c.run.Process.Signal(sig)
	<-c.ended
}

// command starts, ends and edits checkouts at random.
func (s *siege) command(checkouts []*besieged, latest *atomic.Pointer[string]) {
	defer func() {
		for _, c := range checkouts {
			if c.runs() {
				s.end(c, os.Interrupt)
			}
		}
	}()
	for !s.over.Load() {
		a, b := checkouts[rand.IntN(len(checkouts))], checkouts[rand.IntN(len(checkouts))]
		project := a.project
		latest.Store(&project)
		switch n := rand.IntN(10); {
		case !a.runs():
			s.start(a)
		case n < 2:
			s.end(a, syscall.SIGKILL)
			s.start(a)
		case n < 3:
			s.end(a, os.Interrupt)
		case n < 4:
			s.killService(a)
		case n < 6: // while they run
			a.port, b.port = b.port, a.port
			s.write(a)
			s.write(b)
		case n < 8 && a != b && b.runs():
			s.end(a, syscall.SIGKILL)
			s.end(b, syscall.SIGKILL)
			a.project, b.project = b.project, a.project
			s.write(a)
			s.write(b)
			s.start(a)
			s.start(b)
		}
		select {
		case <-s.turns:
		case <-time.After(turnLimit):
		}
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

// ask sends a request for a site. It returns the status; 0 for none.
func (s *siege) ask(client *http.Client, site string) (status int) {
	response, err := client.Get(fmt.Sprintf("http://web.%s.localhost:%d/identity", site, s.port))
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
		s.t.Errorf("a stranger responded for %s: %v %s", site, response.Header, text)
	case response.StatusCode == http.StatusOK && (who != string(text) || who != site+"//web"):
		s.t.Errorf("for %s, %s responded, as %s", site, text, who)
	case who != "-" && who != site+"//web":
		s.t.Errorf("for %s, the response is of %s", site, who)
	}
	return response.StatusCode
}

// A name is only ever answered by its own service, whatever happens to the
// checkouts and their ports.
func TestOnlyOwnServices(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	requests := 10 * *requestsFlag
	checkouts := min(50, max(6, requests/500))
	s := &siege{frontHome: newFrontHome(t), firstPort: 21000, turns: make(chan struct{}, 2), latest: make([]atomic.Pointer[string], 2)}
	keeper := s.checkout("keeper", "[services]\nweb = \"exec serve\"\n") // keeps the front
	s.up(keeper)
	s.await(s.client(), fmt.Sprintf("http://web.keeper.localhost:%d/pid", s.port))

	groups := make([][]*besieged, len(s.latest)) // each has a commander
	for i := range checkouts {
		c := &besieged{dir: s.checkout(fmt.Sprint("c", i), ""), project: fmt.Sprint("p", i), port: s.firstPort + i}
		s.write(c)
		s.start(c)
		groups[i%len(groups)] = append(groups[i%len(groups)], c)
	}
	for i, group := range groups {
		s.all.Go(func() { s.command(group, &s.latest[i]) })
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
			second := map[string]bool{} // the project's site has a number: it had two checkouts
			for int(sent.Load()) < requests && !t.Failed() {
				project := fmt.Sprint("p", rand.IntN(checkouts))
				if latest := s.latest[i/8].Load(); i%8 < 4 && latest != nil {
					project = *latest
				}
				site := project
				if second[project] {
					site += "-2"
				}
				status := s.ask(client, site)
				own[status]++
				if status == http.StatusNotFound {
					second[project] = !second[project]
				}
				if status != http.StatusNotFound && status != 0 { // it runs
					if sent.Add(1)%requestsPerTurn == 0 {
						select {
						case s.turns <- struct{}{}:
						default:
						}
					}
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
