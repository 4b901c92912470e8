package container

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/devports/devports/allocator/text"
)

// Engine is the command line of a container engine.
type Engine struct {
	Program string   `json:",omitempty"` // "docker" or "podman"
	Compose []string `json:",omitempty"` // such as "docker", "compose"; nil: there is none
	Old     bool     `json:",omitempty"` // Compose is docker-compose 1
}

// host is where the commands of an engine run.
type host struct {
	env []string
	dir string
}

// lookPath finds a program in the PATH of the environment.
func (h host) lookPath(name string) (string, error) {
	path := ""
	for _, entry := range h.env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(found) {
			return found, nil
		}
	}
	return "", exec.ErrNotFound
}

// commandError is the failure of a command of an engine.
type commandError struct {
	command string // its first words
	output  string // its last line on stderr
	err     error
}

func (e *commandError) Error() string {
	if e.output != "" {
		return e.output
	}
	return e.command + ": " + e.err.Error()
}

func (e *commandError) Unwrap() error { return e.err }

// command prepares a command in a session of its own: signals to the group of
// devports' process do not reach it.
func (h host) command(ctx context.Context, argv ...string) (*exec.Cmd, error) {
	path, err := h.lookPath(argv[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, argv[1:]...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = h.env, h.dir, ownSession()
	return cmd, nil
}

// output returns what a command prints.
func (h host) output(ctx context.Context, argv ...string) (string, error) {
	return h.outputWith(ctx, nil, argv...)
}

func (h host) outputWith(ctx context.Context, stdin []byte, argv ...string) (string, error) {
	cmd, err := h.command(ctx, argv...)
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	err = cmd.Run()
	if errors.Is(err, syscall.ECHILD) && stdout.Len() > 0 { // a run reaps all children: its exit status is lost
		err = nil
	}
	if err != nil {
		return stdout.String(), &commandError{strings.Join(argv[:min(2, len(argv))], " "), lastLine(stderr.String()), err}
	}
	return stdout.String(), nil
}

// lastLine returns the last line that is not empty.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return text.OneLine(strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:]))
}

// install is where to get an engine.
const install = "install it: https://docs.docker.com/engine/install"

// find finds the engine of a machine. compose says that the command for compose
// files is needed, too.
func (h host) find(ctx context.Context, compose bool) (e Engine, err error) {
	for _, program := range []string{"docker", "podman"} {
		if _, err := h.lookPath(program); err == nil {
			e.Program = program
			break
		}
	}
	if e.Program == "" {
		return e, failure(install, "docker is not installed: it is not on PATH")
	}
	if !compose {
		return e, nil
	}
	for _, argv := range [][]string{{e.Program, "compose"}, {"docker-compose"}, {"podman-compose"}} {
		version, err := h.output(ctx, append(append([]string{}, argv...), "version", "--short")...)
		if version = strings.TrimPrefix(strings.TrimSpace(version), "v"); err == nil && version != "" {
			e.Compose, e.Old = argv, strings.HasPrefix(version, "1.")
			return e, nil
		}
	}
	return e, failure("see https://docs.docker.com/compose/install", "docker compose is not installed")
}

// check checks that the engine accepts commands.
func (h host) check(ctx context.Context, e Engine) error {
	if e.Program == "podman" { // without a daemon
		return nil
	}
	_, err := h.output(ctx, e.Program, "version", "--format", "{{.Server.Version}}")
	return explain(e, err)
}

// explain returns the Failure for an error that has a known remedy, or err.
func explain(e Engine, err error) error {
	if err == nil {
		return nil
	}
	switch said := err.Error(); {
	case strings.Contains(said, "ermission denied") && strings.Contains(said, "socket"):
		return failure("add yourself to its group: sudo usermod -aG docker $USER, then log in again", "no permission to access the Docker daemon: %s", said)
	case strings.Contains(said, "Cannot connect to the Docker daemon"), strings.Contains(said, "Is the docker daemon running"),
		strings.Contains(said, "Couldn't connect to Docker daemon"), strings.Contains(said, "dial unix"):
		return failure("start it: sudo systemctl start docker, or open Docker Desktop", "Docker is not running: %s", said)
	}
	return err
}
