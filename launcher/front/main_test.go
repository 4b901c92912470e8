package front

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
)

// TestMain makes this binary a backend, a process of its own.
func TestMain(m *testing.M) {
	if name := os.Getenv("FRONT_TEST_BACKEND"); name != "" {
		backendMain(name)
		return
	}
	if os.Getenv("FRONT_TEST_PLAIN") != "" {
		plainMain()
		return
	}
	if home := os.Getenv("FRONT_TEST_HOME"); home != "" {
		frontMain(home)
		return
	}
	drainLimit, drainSlack = 10*time.Second, 10*time.Second // the machine may be busy
	os.Exit(m.Run())
}

// backendMain listens on the address in its first argument, and responds with
// its name and the request. Its standard input is its life.
func backendMain(name string) {
	config := net.ListenConfig{}
	if os.Getenv("FRONT_TEST_REUSE") != "" {
		config.Control = reusePort
	}
	address, only := strings.CutSuffix(os.Args[1], " only")
	network := "tcp"
	if only {
		network = "tcp6"
	} else if strings.HasPrefix(address, "0.0.0.0:") {
		network = "tcp4" // otherwise it is [::]
	}
	l, err := config.Listen(context.Background(), network, address)
	for err != nil && os.Getenv("FRONT_TEST_TURNS") != "" {
		l, err = config.Listen(context.Background(), network, address)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Name", name)
		w.Header().Set("X-Devports", "forged")
		header, _ := json.Marshal(r.Header)
		fmt.Fprintf(w, "%s %s %s %s\n", name, r.Method, r.Host, header)
	})
	mux.HandleFunc("/query", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) })
	mux.HandleFunc("/path/{rest...}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) })
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(code)
	})
	large := make([]byte, 1<<20)
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(large) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/talk", func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		for in := bufio.NewScanner(r.Body); in.Scan(); {
			fmt.Fprintln(w, in.Text())
			_ = control.Flush()
		}
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprint(w, "body")
	})
	mux.HandleFunc("/untyped/{early}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("early") == "early" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header()["Content-Type"] = nil
		fmt.Fprint(w, "<!doctype html>")
	})
	mux.HandleFunc("/early/abort", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	mux.HandleFunc("/zeros/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(r.PathValue("n"), 10, 64)
		_, _ = io.CopyN(w, zeros{}, n)
	})
	mux.HandleFunc("/trailer", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", fmt.Sprint(n, r.Trailer.Get("X-In")))
	})
	mux.HandleFunc("/die", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "part")
		_ = http.NewResponseController(w).Flush()
		os.Exit(3)
	})
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) {
		fmt.Println("crash")
		os.Exit(3)
	})
	var seen sync.Map
	mux.HandleFunc("/expired", func(w http.ResponseWriter, r *http.Request) {
		if _, kept := seen.LoadOrStore(r.RemoteAddr, true); kept {
			panic(http.ErrAbortHandler) // closes the connection
		}
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond)
		fmt.Fprint(w, "slow")
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			fmt.Fprintf(w, "data: %d\n\n", time.Now().UnixNano())
			if http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
				return
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
	})
	release := make(chan struct{})
	mux.HandleFunc("/late", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "8")
		_ = http.NewResponseController(w).Flush()
		<-release
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-release
		fmt.Fprint(w, "half")
	})
	mux.HandleFunc("/release", func(http.ResponseWriter, *http.Request) { release <- struct{}{} })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		fmt.Println("client gone")
	})
	mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(conn, rw)
	})
	mux.HandleFunc("/odd", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n")
	})
	mux.HandleFunc("/half", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nall")
		_ = conn.(*net.TCPConn).CloseWrite()
		text, _ := io.ReadAll(rw)
		fmt.Printf("received %s\n", text)
	})
	server := http.Server{Handler: mux}
	fmt.Println("ready")
	if os.Getenv("FRONT_TEST_TURNS") != "" {
		takeTurns(l, address, mux)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		os.Exit(0)
	}()
	_ = server.Serve(l)
	select {} // Shutdown exits
}

// takeTurns closes the listener and listens again, all the time.
func takeTurns(l net.Listener, address string, handler http.Handler) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	server := http.Server{Handler: handler}
	server.SetKeepAlivesEnabled(false) // so that each request has its own connection
	for {
		go func(l net.Listener) { _ = server.Serve(l) }(l)
		time.Sleep(time.Duration(rand.IntN(int(time.Millisecond))))
		l.Close()
		for {
			next, err := net.Listen("tcp", address)
			if err == nil {
				l = next
				break
			}
		}
	}
}

// backendProcess is a backend process.
type backendProcess struct {
	pid   int
	end   func() // lets it finish its requests
	stop  func() // kills it
	lines chan string
}

// start starts a backend that listens on an address.
func start(t testing.TB, name, address string) backendProcess {
	t.Helper()
	return startWith(t, name, address)
}

// startReusing is start for a port that others share.
func startReusing(t testing.TB, name, address string) backendProcess {
	t.Helper()
	return startWith(t, name, address, "FRONT_TEST_REUSE=1")
}

func startWith(t testing.TB, name, address string, env ...string) backendProcess {
	t.Helper()
	return startProcess(t, name, address, append(env, "FRONT_TEST_BACKEND="+name)...)
}

// startProcess starts this binary, and waits until it prints ready.
func startProcess(t testing.TB, name, address string, env ...string) backendProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0], address)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := backendProcess{pid: cmd.Process.Pid, lines: make(chan string, 100)}
	p.stop = sync.OnceFunc(func() {
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(p.stop)
	p.end = sync.OnceFunc(func() {
		stdin.Close()
		_, _ = cmd.Process.Wait()
	})
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := stdout.Read(buf)
			for _, line := range strings.Fields(strings.ReplaceAll(string(buf[:n]), " ", "_")) {
				p.lines <- line
			}
			if err != nil {
				close(p.lines)
				return
			}
		}
	}()
	if line := <-p.lines; line != "ready" {
		t.Fatalf("%s: the backend is not ready: %q", name, line)
	}
	return p
}

// givenPorts are the ports that freePort has returned.
var givenPorts sync.Map

// freePort returns a port that is free on both loopback addresses, and that
// neither the kernel nor freePort gives to anything else.
func freePort(t testing.TB) int {
	t.Helper()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("needs IPv6: ", err)
	} else {
		l.Close()
	}
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

// testFront is a front in this process.
type testFront struct {
	t     testing.TB
	place Place
	port  int
	stop  func()
	ended chan struct{}
}

func newPlace(t testing.TB) Place {
	t.Helper()
	dir := t.TempDir()
	runtime := filepath.Join(dir, "r")
	if len(runtime) > 80 {
		runtime = ""
	} else if err := os.Mkdir(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	return NewPlace(control.NewRuns(dir, runtime))
}

func startFront(t testing.TB, place Place, port, protocol int) *testFront {
	t.Helper()
	return startFrontWith(t, place, port, Options{Protocol: protocol})
}

func startFrontWith(t testing.TB, place Place, port int, o Options) *testFront {
	t.Helper()
	f := &testFront{t: t, place: place, port: port, ended: make(chan struct{})}
	release, err := place.Claim()
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := ListenPort(port)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := place.Listen(port)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop = sync.OnceFunc(func() {
		stop()
		<-f.ended
	})
	go func() {
		defer close(f.ended)
		o.Listeners, o.Port, o.Socket, o.Idle = listeners, port, socket, time.Minute
		Serve(ctx, o, func() { _ = release() })
	}()
	t.Cleanup(f.stop)
	return f
}

// testRun is a run that is announced.
type testRun struct {
	about   Run
	changed chan struct{}
	stop    func()
	notes   chan string

	announced *Announced
	publishes func(ctx context.Context, service string, on netip.AddrPort) bool // nil: no container does

	mu        sync.Mutex
	services  []Service
	lines     []string // of every service
	processes map[string][]int
	asked     chan struct{} // receives a value when the front asks for processes, unless it is nil
	starts    int
}

// set sets a service and its processes; 0 for none.
func (r *testRun) set(s Service, pids ...int) {
	r.mu.Lock()
	s.PID = pids[0]
	i := slices.IndexFunc(r.services, func(o Service) bool { return o.Name == s.Name })
	services := slices.Clone(r.services)
	if i < 0 {
		services = append(services, s)
	} else {
		services[i] = s
	}
	r.services = services
	r.processes[s.Name] = pids
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// announce announces a run. startFront, unless nil, starts a front.
func announce(t testing.TB, place Place, about Run, protocol int, startFront func() error) *testRun {
	r := &testRun{about: about, changed: make(chan struct{}, 1), notes: make(chan string, 100), processes: map[string][]int{}}
	if startFront == nil {
		startFront = func() error { return nil }
	}
	r.announced = Announce(Announcement{
		Place: place, Run: about, Changed: r.changed, protocol: protocol,
		Start: func() error {
			r.mu.Lock()
			r.starts++
			r.mu.Unlock()
			return startFront()
		},
		Services: func(context.Context) ([]Service, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.services, nil
		},
		Processes: func(_ context.Context, service string) ([]int, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			select {
			case r.asked <- struct{}{}:
			default:
			}
			return r.processes[service], nil
		},
		Publishes: func(ctx context.Context, service string, on netip.AddrPort) bool {
			return r.publishes != nil && r.publishes(ctx, service, on)
		},
		Lines: func(_ string, n int) []string {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.lines[max(0, len(r.lines)-n):]
		},
		Note: func(text string) { r.notes <- text },
	})
	r.stop = sync.OnceFunc(r.announced.Stop)
	t.Cleanup(r.stop)
	return r
}

// client sends requests to a front, whatever their names resolve to.
func (f *testFront) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", f.port))
			},
			MaxIdleConnsPerHost: 100, DisableCompression: true,
		},
		Timeout: 30 * time.Second,
	}
}

// get sends a GET request until the status is wanted.
func (f *testFront) get(host, path string, wanted int) (*http.Response, string) {
	f.t.Helper()
	client := f.client()
	defer client.CloseIdleConnections()
	var response *http.Response
	var text []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		var err error
		response, err = client.Get(fmt.Sprintf("http://%s:%d%s", host, f.port, path))
		if err != nil {
			continue
		}
		text, _ = io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode == wanted {
			return response, string(text)
		}
	}
	f.t.Fatalf("%s%s: %v %s, want %d", host, path, response, text, wanted)
	return nil, ""
}

// site is a front with one run, whose only service is web.
func newSite(t testing.TB, address string) (f *testFront, r *testRun, p backendProcess, web Service) {
	t.Helper()
	place := newPlace(t)
	f = startFront(t, place, freePort(t), 0)
	r = announce(t, place, Run{ID: "1", Site: "shop", Project: "shop", Directory: "/shop", PID: os.Getpid()}, 0, nil)
	port := freePort(t)
	p = start(t, "web", fmt.Sprintf(address, port))
	web = Service{Name: "web", Host: "web", Port: port, State: launcher.StateReady, Address: fmt.Sprintf("http://web.shop.localhost:%d", f.port)}
	r.set(web, p.pid)
	f.get("web.shop.localhost", "/", 200)
	return f, r, p, web
}

// startSite starts a site like newSite, whose front is a process of its own.
func startSite(t testing.TB) (f *testFront, process backendProcess, web Service) {
	t.Helper()
	home, err := os.MkdirTemp("", "front") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	f = &testFront{t: t, place: NewPlace(control.NewRuns(home, "")), port: freePort(t)}
	process = startProcess(t, "front", fmt.Sprint(f.port), "FRONT_TEST_HOME="+home)
	web = Service{Name: "web", Host: "web", Port: freePort(t), State: launcher.StateReady}
	p := start(t, "web", fmt.Sprintf("127.0.0.1:%d", web.Port))
	announce(t, f.place, Run{ID: "1", Site: "shop", Project: "shop", Directory: "/shop"}, 0, nil).set(web, p.pid)
	f.get("web.shop.localhost", "/", 200)
	return f, process, web
}
