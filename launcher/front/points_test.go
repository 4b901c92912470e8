package front

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
)

// pointed is a front with points, and runs of the checkouts /a and /b whose
// services are the backends "a" and "b", processes of their own.
type pointed struct {
	t      *testing.T
	place  Place
	front  *testFront
	source *testPoints
	port   int
}

// testPoints are points as a registry would store them.
type testPoints struct {
	mu   sync.Mutex
	list []Point
	gone string
}

func (p *testPoints) set(list ...Point) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = list
}

func (p *testPoints) source() PointSource {
	return PointSource{
		Load: func() ([]Point, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return slices.Clone(p.list), nil
		},
		Gone: func(directory string) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return directory == p.gone
		},
	}
}

func newPointed(t *testing.T) *pointed {
	t.Helper()
	p := &pointed{t: t, place: newPlace(t), source: &testPoints{}, port: freePort(t)}
	p.front = p.start()
	return p
}

func (p *pointed) start() *testFront {
	return startFrontWith(p.t, p.place, freePort(p.t), Options{Points: p.source.source()})
}

// run announces a run in a checkout whose service web is a process.
func (p *pointed) run(name string, pid, port int) *testRun {
	r := announce(p.t, p.place, Run{ID: name, Site: name, Project: name, Directory: "/" + name}, 0, nil)
	r.set(Service{Name: "web", Host: "web", Port: port, State: launcher.StateReady}, pid)
	return r
}

// point points the port to web of a checkout, and returns once the front has it.
func (p *pointed) point(name string, cut ...int) PointState {
	p.t.Helper()
	p.source.set(Point{Port: p.port, Service: "web", Project: name, Directory: "/" + name})
	states, running, err := p.place.ReloadPoints(p.t.Context(), cut...)
	if err != nil || !running || len(states) != 1 {
		p.t.Fatalf("%v %t %v", states, running, err)
	}
	return states[0]
}

// await returns once connections to the point are forwarded, or refused.
func (p *pointed) await(running bool) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		states, _, err := p.place.ReloadPoints(p.t.Context())
		if err == nil && len(states) == 1 && states[0].Running == running {
			return
		}
	}
	p.t.Fatal("the point has not changed")
}

func (p *pointed) dial(host string) (*net.TCPConn, error) {
	conn, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(p.port)))
	if err != nil {
		return nil, err
	}
	p.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn), nil
}

// get returns the name of the backend that answers.
func (p *pointed) get(host string) (string, error) {
	conn, err := p.dial(host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	text, err := io.ReadAll(conn)
	_, body, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	name, _, _ := strings.Cut(string(body), " ")
	return name, err
}

var families = []string{"127.0.0.1", "::1"}

// A point forwards to its service on both families, and is refused at once while
// that does not run; even then, no other program gets the port.
func TestPoint(t *testing.T) {
	p := newPointed(t)
	if s := p.point("a"); s.Running || s.Error != "" {
		t.Errorf("%+v", s)
	}
	refused := func(when string) {
		t.Helper()
		for _, host := range families {
			began := time.Now()
			if conn, err := p.dial(host); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s: %v %v", when, conn, err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: it took %s", when, took)
			}
			for _, listen := range []string{host, "", "0.0.0.0"} {
				if listen == "0.0.0.0" && host == "::1" {
					continue
				}
				l, err := net.Listen("tcp", net.JoinHostPort(listen, fmt.Sprint(p.port)))
				if err == nil {
					t.Errorf("%s: another program got the port on %q", when, listen)
					l.Close()
				}
			}
		}
	}
	refused("at first")
	web := freePort(t)
	a := start(t, "a", fmt.Sprintf("127.0.0.1:%d", web))
	r := p.run("a", a.pid, web)
	for range 3 { // the port can be opened again after it was shut
		p.await(true)
		for _, host := range families {
			if name, err := p.get(host); name != "a" || err != nil {
				t.Errorf("%s: %s %v", host, name, err)
			}
		}
		r.set(Service{Name: "web", Host: "web", Port: web, State: launcher.StateStopped}, 0)
		p.await(false)
		refused("stopped")
		r.set(Service{Name: "web", Host: "web", Port: web, State: launcher.StateReady}, a.pid)
	}
	p.await(true)
	r.stop()
	p.await(false)
	refused("the run has ended")
	p.source.set()
	if _, _, err := p.place.ReloadPoints(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l, err := ListenPort(p.port); err != nil || len(l) != 2 {
		t.Errorf("the port is still taken: %v", err)
	}
}

// A stranger on the port of the service gets no connection.
func TestPointStranger(t *testing.T) {
	p := newPointed(t)
	web := freePort(t)
	stranger := start(t, "stranger", fmt.Sprintf("127.0.0.1:%d", web))
	ours := start(t, "a", "127.0.0.1:0")
	p.run("a", ours.pid, web)
	p.point("a")
	p.await(true)
	for _, host := range families {
		name, err := p.get(host)
		if name != "" || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("%s %v, pid %d", name, err, stranger.pid)
		}
	}
}

// While clients keep asking, the port points to the one or to the other service:
// no client gets an answer of the former one after the switch.
func TestPointSwitched(t *testing.T) {
	p := newPointed(t)
	for _, name := range []string{"a", "b"} {
		web := freePort(t)
		p.run(name, start(t, name, fmt.Sprintf("127.0.0.1:%d", web)).pid, web)
		p.point(name)
		p.await(true)
	}
	p.point("a")
	names := []string{"a", "b"}
	var now, asked, wrong, failed atomic.Int64 // now: the number of switches begun and completed
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				before := now.Load()
				name, err := p.get(families[i%2])
				after := now.Load()
				switch {
				case err != nil:
					failed.Add(1)
					t.Log(err)
				case before == after && before%2 == 0 && name != names[before/2%2]:
					wrong.Add(1)
				}
				asked.Add(1)
			}
		})
	}
	for range 50 {
		now.Add(1)
		p.point(names[(now.Load()+1)/2%2])
		now.Add(1)
		for since := asked.Load(); asked.Load() < since+20; time.Sleep(time.Millisecond) {
		}
	}
	stop()
	clients.Wait()
	if wrong.Load() > 0 || failed.Load() > 0 {
		t.Errorf("%d requests, %d failed, %d wrong", asked.Load(), failed.Load(), wrong.Load())
	}
}

// echoServer is a service in this process that echoes, and ends its side when
// the client has ended its own.
func echoServer(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, err := io.Copy(conn, conn)
				if err == nil {
					fmt.Fprint(conn, " end")
					_ = conn.(*net.TCPConn).CloseWrite()
					time.AfterFunc(time.Second, func() { conn.Close() })
					return
				}
				conn.Close()
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// The end of one direction is passed on while the other continues, and large
// amounts arrive unchanged.
func TestPointHalfClose(t *testing.T) {
	p := newPointed(t)
	p.run("a", syscall.Getpid(), echoServer(t))
	p.point("a")
	p.await(true)
	for _, host := range families {
		conn, err := p.dial(host)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "hello")
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(conn); string(text) != "hello end" || err != nil {
			t.Errorf("%q %v", text, err)
		}
	}
	conn, err := p.dial("::1")
	if err != nil {
		t.Fatal(err)
	}
	const size = 100 << 20
	sent := sha256.New()
	go func() {
		random := rand.NewChaCha8([32]byte{1})
		_, _ = io.Copy(io.MultiWriter(conn, sent), io.LimitReader(random, size))
		_ = conn.CloseWrite()
	}()
	received := sha256.New()
	if n, err := io.Copy(received, io.LimitReader(conn, size)); n != size || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	if rest, err := io.ReadAll(conn); string(rest) != " end" || err != nil {
		t.Errorf("%q %v", rest, err)
	}
	if !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
		t.Error("it has changed")
	}
}

// A connection that was reset on one side is reset on the other.
func TestPointReset(t *testing.T) {
	p := newPointed(t)
	p.run("a", syscall.Getpid(), echoServer(t))
	p.point("a")
	p.await(true)
	conn, err := p.dial("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "x")
	_, _ = io.ReadFull(conn, make([]byte, 1))
	if s := p.point("a"); s.Open != 1 {
		t.Errorf("%+v", s)
	}
	reset(conn)
	for p.point("a").Open > 0 {
		time.Sleep(time.Millisecond)
	}
}

// A connection that is open survives a switch, unless it is cut; then it is
// reset.
func TestPointCut(t *testing.T) {
	p := newPointed(t)
	p.run("a", syscall.Getpid(), echoServer(t))
	p.run("b", syscall.Getpid(), echoServer(t))
	p.point("a")
	p.await(true)
	conn, err := p.dial("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	echo := func() error {
		if _, err := fmt.Fprint(conn, "x"); err != nil {
			return err // it consumes the error of the socket
		}
		_, err := io.ReadFull(conn, make([]byte, 1))
		return err
	}
	if err := echo(); err != nil {
		t.Fatal(err)
	}
	p.point("b")
	p.await(true)
	if err := echo(); err != nil {
		t.Errorf("it has not survived the switch: %v", err)
	}
	p.point("b", p.port)
	if err := echo(); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("it has survived: %v", err)
	}
	if conn, err = p.dial("::1"); err != nil {
		t.Fatal(err)
	}
	if err := echo(); err != nil {
		t.Errorf("new connections: %v", err)
	}
}

// Points return with another front, soon, and again forward to their
// services. A port that another program has by then is reported to the run, and
// taken once it is free.
func TestPointSurvives(t *testing.T) {
	p := newPointed(t)
	web := freePort(t)
	a := start(t, "a", fmt.Sprintf("127.0.0.1:%d", web))
	r := p.run("a", a.pid, web)
	p.point("a")
	p.await(true)
	if _, err := p.get("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	p.front.stop()
	p.front = p.start()
	for {
		if name, err := p.get("::1"); err == nil && name == "a" {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}

	p.front.stop()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	if err != nil {
		t.Fatal(err)
	}
	p.front = p.start()
	if note := <-r.notes; !strings.Contains(note, fmt.Sprintf("port %d does not point to web", p.port)) {
		t.Error(note)
	}
	l.Close()
	p.await(true)
	if name, err := p.get("127.0.0.1"); name != "a" || err != nil {
		t.Errorf("%s %v", name, err)
	}
}

// A point follows a checkout that was moved, and no other with its labels.
func TestPointMoved(t *testing.T) {
	p := newPointed(t)
	p.run("a", syscall.Getpid(), echoServer(t))
	for _, gone := range []string{"", "/old"} {
		p.source.mu.Lock()
		p.source.gone = gone
		p.source.mu.Unlock()
		p.source.set(Point{Port: p.port, Service: "web", Project: "a", Directory: "/old"})
		if _, _, err := p.place.ReloadPoints(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.await(gone != "")
	}
}

// A front without points is recognised, and that there is none.
func TestPointNoFront(t *testing.T) {
	place := newPlace(t)
	startFront(t, place, freePort(t), 0)
	if _, running, err := place.ReloadPoints(t.Context()); err == nil || !running {
		t.Errorf("%t %v", running, err)
	}
	if _, running, err := newPlace(t).ReloadPoints(t.Context()); err != nil || running {
		t.Errorf("without a front: %t %v", running, err)
	}
}
