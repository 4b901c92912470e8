package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/holder/engine"
	"github.com/devports/devports/allocator/lockfile"
)

// endTimeout is how long the engine's command may take to end once its container
// has.
const endTimeout = 3 * time.Second

// lockNotice is how long a service waits for another one before it prints that.
// Most containers are created by then.
const lockNotice = 2 * time.Second

// lockLimit is no limit: the other service may be building an image.
const lockLimit time.Duration = math.MaxInt64

// service is the process of a service in a container.
type service struct {
	host
	Spec
	instance string
	output   *os.File
	created  func() error // releases the lock of Spec; nil: it is not held
}

// Run runs the service of a Spec until its container has ended, and removes the
// container. The first signal stops the container, the second kills it. The
// error is an *ExitError or a *Failure.
func Run(spec Spec, environ []string, output *os.File, signals <-chan os.Signal) error {
	s := &service{host: host{env: environ}, Spec: spec, output: output}
	for _, entry := range environ {
		if id, ok := strings.CutPrefix(entry, envvar.Instance+"="); ok {
			s.instance = id
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := make(chan struct{})
	go func() {
		<-signals
		close(stop)
		<-signals
		cancel()
	}()
	return s.run(ctx, stop)
}

func (s *service) run(ctx context.Context, stop <-chan struct{}) error {
	preparing, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-preparing.Done():
		}
	}()
	var err error
	if s.Engine.Program == "" || s.Container.Compose != "" && s.Engine.Compose == nil {
		if s.Engine, err = s.find(preparing, s.Container.Compose != ""); err != nil {
			return err
		}
	}
	defer s.removeOwn()
	cmd, err := s.prepare(preparing)
	select {
	case <-stop:
		return &ExitError{128 + 15}
	default:
	}
	if err != nil {
		return explain(s.Engine, err)
	}
	cmd.Stdout, cmd.Stderr = s.output, s.output
	return s.follow(ctx, cmd, stop)
}

// filters match the container of the service, of any run.
func (s *service) filters() []string {
	return []string{"label=" + LabelCheckout + "=" + s.Checkout, "label=" + engine.LabelService + "=" + s.Service}
}

// own match the container of this run: that of an earlier run, which was killed,
// may end while the next one has started its own.
func (s *service) own() []string {
	return append(s.filters(), "label="+engine.LabelInstance+"="+s.instance)
}

func (s *service) removeOwn() {
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	_, _ = s.remove(ctx, s.Engine, s.own()...) // the run, or the next one, tries again
}

// prepare creates what the container needs, and returns the command that runs
// it.
func (s *service) prepare(ctx context.Context) (*exec.Cmd, error) {
	if _, err := s.remove(ctx, s.Engine, s.filters()...); err != nil {
		return nil, err
	}
	if s.Container.Compose != "" {
		return s.prepareCompose(ctx)
	}
	return s.prepareImage(ctx)
}

// pull downloads an image that is not there.
func (s *service) pull(ctx context.Context, image string) error {
	if _, err := s.host.output(ctx, s.Engine.Program, "image", "inspect", "--format", "{{.Id}}", image); err == nil {
		return nil
	}
	cmd, err := s.command(ctx, s.Engine.Program, "pull", image)
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = s.output, io.MultiWriter(s.output, &stderr)
	if err := cmd.Run(); err != nil {
		if failed := explain(s.Engine, &commandError{"", lastLine(stderr.String()), err}); failed != nil {
			if f, ok := isFailure(failed); ok {
				return f
			}
		}
		return failure(fmt.Sprintf("check the name and the network, or build it: %s build -t %s .", s.Engine.Program, image), "cannot pull the image %s", image)
	}
	return nil
}

func (s *service) prepareImage(ctx context.Context) (*exec.Cmd, error) {
	c := s.Container
	if err := s.pull(ctx, c.Image); err != nil {
		return nil, err
	}
	argv := []string{s.Engine.Program, "run", "--rm", "--sig-proxy=false", "--name", c.Name}
	labels := s.labels(s.instance)
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		argv = append(argv, "--label", name+"="+labels[name])
	}
	for _, p := range c.Publish {
		argv = append(argv, "-p", fmt.Sprintf("127.0.0.1:%d:%d", p.Host, p.Container))
		if p.Name == "" {
			argv = append(argv, "-e", "PORT="+strconv.Itoa(p.Container))
		}
	}
	for _, name := range c.Env {
		argv = append(argv, "-e", name)
	}
	for _, v := range c.Volumes {
		if source, _, _ := strings.Cut(v, ":"); strings.HasPrefix(source, c.Project+"_") {
			if err := s.createVolume(ctx, s.Engine, s.Spec, source); err != nil {
				return nil, err
			}
		}
		argv = append(argv, "-v", v)
	}
	if c.StopSignal != "" {
		argv = append(argv, "--stop-signal", "SIG"+c.StopSignal)
	}
	return s.command(context.Background(), append(append(argv, c.Image), c.Command...)...)
}

func (s *service) prepareCompose(ctx context.Context) (*exec.Cmd, error) {
	c := s.Container
	m, err := s.readModel(ctx, s.Engine, c.Project, c.ComposeFile)
	if err != nil {
		return nil, err
	}
	declared, err := m.find(c.Compose)
	if err != nil {
		return nil, err
	}
	ports, _, err := publish(portsOf(declared), c.Publish)
	if err != nil {
		return nil, err
	}
	if image := scalar(declared["image"]); image != "" && declared["build"] == nil {
		if err := s.pull(ctx, image); err != nil {
			return nil, err
		}
	}
	encoded, err := json.Marshal(m.isolated(s.Spec, s.instance, ports, s.getenv))
	if err != nil {
		return nil, err
	}
	if s.created, err = s.lock(ctx); err != nil {
		return nil, err
	}
	for key, name := range m.namedVolumes(c.Project, c.Compose) {
		if err := s.createVolume(ctx, s.Engine, s.Spec, name, composeProject+"="+c.Project, composeVolume+"="+key); err != nil {
			return nil, err
		}
	}
	argv := s.Engine.composeCommand(c.Project, "-f", "-", "up", "--no-deps", "--no-log-prefix", "--abort-on-container-exit", "--exit-code-from", c.Compose, c.Compose)
	cmd, err := s.command(context.Background(), argv...)
	if err == nil {
		cmd.Stdin = bytes.NewReader(encoded)
		cmd.Env = append(slices.Clone(s.env), "COMPOSE_MENU=false", "COMPOSE_PROGRESS=plain", "COMPOSE_IGNORE_ORPHANS=true")
	}
	return cmd, err
}

// lockNote is what the holder of the lock writes about itself.
type lockNote struct{ Service string }

// lock takes the lock of Spec. While another service holds it, it waits until ctx
// is done.
func (s *service) lock(ctx context.Context) (release func() error, err error) {
	release, err = lockfile.Acquire(ctx, s.Lock, lockNotice)
	if held := (*lockfile.HeldError)(nil); errors.As(err, &held) {
		other := lockNote{"another service"}
		_ = json.Unmarshal(held.Note, &other) // the note is missing for a moment after the lock was taken
		fmt.Fprintf(s.output, "devports: waiting for %s to create its container\n", other.Service)
		release, err = lockfile.Acquire(ctx, s.Lock, lockLimit)
	}
	if err == nil {
		_ = lockfile.SetNote(s.Lock, lockNote{s.Service}) // only for the message
	}
	return release, err
}

// awaitCreated releases the lock once the container exists, and with it its
// networks and volumes: two commands that create a network at once create two of
// the same name.
func (s *service) awaitCreated(ended <-chan struct{}) {
	if s.created == nil {
		return
	}
	defer func() { _ = s.created() }()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		select {
		case <-ended:
			return
		case <-time.After(pause):
		}
		if ids, _, err := s.containers(context.Background(), s.Engine, s.own()...); err == nil && len(ids) > 0 {
			return
		}
	}
}

// follow runs a command in the foreground. On stop, it stops the container, and
// not the command, which then ends with its last output.
func (s *service) follow(ctx context.Context, cmd *exec.Cmd, stop <-chan struct{}) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended, over := make(chan error, 1), make(chan struct{})
	go func() {
		ended <- cmd.Wait()
		close(over)
	}()
	go s.awaitCreated(over)
	select {
	case err := <-ended:
		return s.explainEnd(err)
	case <-stop:
	}
	s.stop(ctx)
	select {
	case err := <-ended:
		return exitStatus(err)
	case <-time.After(endTimeout):
	case <-ctx.Done():
	}
	_ = cmd.Process.Kill()
	return exitStatus(<-ended)
}

// stop stops the container. A container that is being created is stopped once it
// is there.
func (s *service) stop(ctx context.Context) {
	argv := []string{s.Engine.Program, "stop"}
	if grace := s.Container.Grace; grace != 0 { // else the container has that of the compose file
		argv = append(argv, "-t", strconv.Itoa(int((grace+time.Second-1)/time.Second)))
	}
	for range 20 {
		ids, _, err := s.containers(ctx, s.Engine, s.own()...)
		if err != nil {
			return
		}
		if len(ids) > 0 {
			_, _ = s.host.output(ctx, append(argv, ids...)...)
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

func exitStatus(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return err
	case exit.ExitCode() < 0:
		return &ExitError{128 + 9}
	}
	return &ExitError{exit.ExitCode()}
}

// explainEnd returns the end of the engine's command as an error, with the
// reason if it is known.
func (s *service) explainEnd(err error) error {
	status := exitStatus(err)
	var exit *ExitError
	if !errors.As(status, &exit) {
		return status
	}
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() < 0 {
		return &Failure{Text: s.Engine.Program + " was killed: " + ended.String() + "; removing its container", Status: exit.Status}
	}
	published := engine.Published(context.Background(), s.getenv)
	for _, p := range s.Container.Publish {
		if other, taken := published[p.Host]; taken {
			return &Failure{
				Text:   fmt.Sprintf("port %d is published by the container %s (%s)", p.Host, other.Name, other.Image),
				Hint:   fmt.Sprintf("stop it: %s stop %s", other.Engine, other.Name),
				Status: exit.Status,
			}
		}
	}
	if ids, _, failed := s.containers(context.Background(), s.Engine, "name=^/?"+s.Container.Name+"$"); s.Container.Image != "" && exit.Status == 125 && failed == nil && len(ids) > 0 {
		if own, _, _ := s.containers(context.Background(), s.Engine, s.filters()...); len(own) == 0 {
			return &Failure{
				Text:   fmt.Sprintf("another container is named %s", s.Container.Name),
				Hint:   fmt.Sprintf("remove it: %s rm -f %s", s.Engine.Program, s.Container.Name),
				Status: exit.Status,
			}
		}
	}
	return status
}

func (h host) getenv(name string) string {
	for _, entry := range slices.Backward(h.env) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
