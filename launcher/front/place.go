package front

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/launcher/control"
)

// Place is where the front of a user is: its lock and its socket, in the directory
// of the user's runs.
type Place struct {
	directory string
	sockets   []string // possible paths, in order of preference
}

// Note is written by a front into its lock file.
type Note struct {
	PID      int    `json:"pid"`
	Port     int    `json:"port"`
	Socket   string `json:"socket"`
	Protocol int    `json:"protocol"`
}

// NewPlace returns the place of the front for runs.
func NewPlace(runs control.Runs) Place {
	p := Place{directory: filepath.Join(runs.Path(), "front")}
	h := fnv.New32a()
	h.Write([]byte(p.directory)) // users may share a directory of sockets between several homes
	p.sockets = runs.SocketPaths(fmt.Sprintf("front-%08x", h.Sum32()))
	return p
}

func (p Place) lock() string { return filepath.Join(p.directory, "lock") }

func (p Place) log() string { return filepath.Join(p.directory, "log") }

// Exists reports whether the place still exists.
func (p Place) Exists() bool {
	_, err := os.Stat(p.lock())
	return err == nil
}

// Find returns the note of the live front, if there is one that can be reached.
func (p Place) Find() (Note, bool) {
	held, _ := lockfile.Inspect(p.lock())
	if held == nil {
		return Note{}, false
	}
	var n Note
	if json.Unmarshal(held.Note, &n) != nil || n.Socket == "" {
		return Note{}, false
	}
	return n, true
}

// Claim makes this process the front. The error is a *lockfile.HeldError if
// there is one.
func (p Place) Claim() (release func() error, err error) {
	release, _, err = lockfile.TryAcquire(p.lock(), Note{})
	if err == nil {
		_ = os.Remove(p.log())
	}
	return release, err
}

// Listen opens the socket of the front, which has claimed the place, and lets
// runs find it.
func (p Place) Listen(port int) (net.Listener, error) {
	err := control.ErrNoSocketPath
	for _, path := range p.sockets {
		l, failed := control.Listen(path)
		if failed != nil {
			err = failed
			continue
		}
		return l, lockfile.SetNote(p.lock(), Note{os.Getpid(), port, path, Protocol})
	}
	return nil, err
}

// Fail writes why the front could not start to its log, for the run that has
// started it.
func (p Place) Fail(err error) error {
	return errors.Join(err, os.WriteFile(p.log(), []byte(err.Error()+"\n"), 0o600))
}

// Directory is the directory of the lock.
func (p Place) Directory() string { return p.directory }

// failure returns what Fail has written; "" for nothing.
func (p Place) failure() string {
	text, _ := os.ReadFile(p.log())
	return strings.TrimSpace(string(text))
}

// forget removes what Fail has written, unless that front still holds the lock:
// the runs that wait for it read it.
func (p Place) forget() {
	if p.failure() == "" {
		return
	}
	if release, err := p.Claim(); err == nil {
		_ = release()
	}
}

// connect connects to the front.
func (p Place) connect(ctx context.Context) (net.Conn, error) {
	n, ok := p.Find()
	if !ok {
		return nil, errNoFront
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", n.Socket)
}

var errNoFront = errors.New("there is no front")

// ListenPort listens on a port of the loopback addresses. IPv6 may be missing.
// The error wraps [syscall.EADDRINUSE] if another program has the port, on
// either.
func ListenPort(port int) ([]net.Listener, error) {
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	switch {
	case err == nil:
		return []net.Listener{four, six}, nil
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EACCES):
		four.Close()
		return nil, err
	}
	return []net.Listener{four}, nil
}

// startTime is how long a front may take to start.
const startTime = 20 * time.Second

// Ensure returns the live front, and starts one if there is none.
func (p Place) Ensure(ctx context.Context, start func() error) (Note, error) {
	conn, err := Announcement{Place: p, Start: start}.reach(ctx)
	if err != nil {
		return Note{}, err
	}
	conn.Close()
	n, ok := p.Find()
	if !ok {
		return n, errNoFront
	}
	return n, nil
}
