package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/launcher/front"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// defaultFrontPort is the port of named addresses, the same for everybody, so
// that links can be shared. IANA has not assigned it.
const defaultFrontPort = 4777

// frontName is the user-wide name of the port that is used instead.
var frontName = allocator.PortName{Service: "devports-front"}

// frontChoice is the port of named addresses, once it is known.
type frontChoice struct {
	once sync.Once
	port int // 0: there are no named addresses
}

// frontPort is the port of named addresses: that of the front that is running,
// otherwise of the one that would start. 0 means that there are none. A process
// keeps its answer: services have it in their environment.
func (s session) frontPort() int {
	if s.front == nil {
		return 0
	}
	s.front.once.Do(func() { s.front.port = s.chooseFrontPort() })
	return s.front.port
}

func (s session) chooseFrontPort() int {
	wanted, off, err := s.frontSetting()
	if err != nil {
		s.note("%v", err)
	}
	if off || err != nil {
		return 0
	}
	place, err := s.frontPlace()
	if err != nil {
		return 0
	}
	if note, ok := place.Find(); ok {
		return note.Port
	}
	if wanted != 0 {
		return wanted
	}
	if !allocator.Busy(defaultFrontPort) {
		return defaultFrontPort
	}
	if note, ok := place.Find(); ok { // it has just started
		return note.Port
	}
	port, err := s.leaseFrontPort()
	if err != nil {
		s.note("no named addresses: port %d is taken, and no other port could be leased: %v", defaultFrontPort, err)
		return 0
	}
	return port
}

// noteFrontPort notes that named addresses do not have the default port.
func (s session) noteFrontPort(port int) {
	wanted, _, _ := s.frontSetting()
	if port == 0 || port == defaultFrontPort || wanted != 0 {
		return
	}
	if place, err := s.frontPlace(); err == nil {
		if _, running := place.Find(); running {
			return
		}
	}
	who := "another process"
	if found, err := holder.Listening(context.Background(), defaultFrontPort); err == nil {
		if h, ok := holderOf(found, defaultFrontPort); ok {
			who = describeProcess(h)
		}
	}
	s.note("port %d is taken by %s, so named addresses use port %d (to use %[1]d: stop that process, then run devports down --all)", defaultFrontPort, who, port)
}

// frontSetting parses DEVPORTS_FRONT. A port of 0 stands for the default.
func (s session) frontSetting() (port int, off bool, err error) {
	switch value := strings.ToLower(s.getenv(envvar.Front)); value {
	case "", "on":
		return 0, false, nil
	case "off", "0", "false", "no":
		return 0, true, nil
	default:
		port, err := allocator.ParsePort(value)
		if err != nil {
			return 0, true, fmt.Errorf("no named addresses: %s must be off or a port, not %s", envvar.Front, value)
		}
		return port, false, nil
	}
}

func (s session) frontPlace() (front.Place, error) {
	runs, err := s.runs()
	return front.NewPlace(runs), err
}

// leaseFrontPort is the port for a user who cannot have the default one.
func (s session) leaseFrontPort() (int, error) {
	r, err := s.registryAt("")
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, leases, err := r.Lease(ctx, checkout.Checkout{}, []allocator.WantedPort{{Name: frontName}}, registry.Options{
		Choose: s.chooser(allocator.Set{}),
		Move:   func(l registry.Lease) bool { return allocator.Busy(l.Port) },
	})
	if err != nil {
		return 0, err
	}
	return leases[0].Port, nil
}

// frontArguments start a front, followed by its port.
var frontArguments = []string{"front", "(process)"}

func isFront(args []string) bool {
	return len(args) == 4 && args[1] == frontArguments[0] && args[2] == frontArguments[1]
}

// frontIdle is how long a front lives without runs.
const frontIdle = time.Minute

// serveFront is the process of the front.
func (s session) serveFront(args []string) error {
	place, err := s.frontPlace()
	if err != nil {
		return err
	}
	release, err := place.Claim()
	if errors.As(err, new(*lockfile.HeldError)) {
		return nil // another run has started one at the same time
	}
	if err != nil {
		return err
	}
	defer release() //nolint:errcheck // the process ends
	points, err := s.registryAt("")
	if err != nil {
		return place.Fail(err)
	}
	_ = os.Chdir(place.Directory())
	port, err := strconv.Atoi(args[3])
	if err != nil {
		return place.Fail(err)
	}
	listeners, err := front.ListenPort(port)
	if wanted, _, _ := s.frontSetting(); errors.Is(err, syscall.EADDRINUSE) && wanted == 0 {
		var leased int
		if leased, err = s.leaseFrontPort(); err == nil {
			port = leased
			listeners, err = front.ListenPort(port)
		}
	}
	if err != nil {
		return place.Fail(fmt.Errorf("cannot listen on port %d: %w (to see which process: devports who %[1]d; to choose another port: set %[3]s)", port, err, envvar.Front))
	}
	socket, err := place.Listen(port)
	if err != nil {
		return place.Fail(err)
	}
	signal.Ignore(syscall.SIGHUP, os.Interrupt)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	front.Serve(ctx, front.Options{
		Listeners: listeners, Port: port, Socket: socket, Idle: frontIdle, Points: pointSource(points),
		Dashboard: s.dashboardOptions(points),
		Abandoned: func() bool { return !place.Exists() },
	}, func() { _ = release() })
	return nil
}

// frontProgram is the command line of a front.
func frontProgram(port int) ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	return append(append([]string{program}, frontArguments...), strconv.Itoa(port)), nil
}
