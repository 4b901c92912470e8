// Package container runs services in containers, with the command line of a
// container engine: docker with docker compose or docker-compose, or podman.
//
//	Load:     queries the engine, and lets it resolve compose files
//	Complete: gives the processes of a plan their commands and dependencies
//	Run:      the process of one service: it removes leftovers, downloads the
//	          image, runs the engine in the foreground, stops and removes the
//	          container
//	Remove:   containers and networks of a run or checkout; Volumes: its data
//
// # No container is left behind
//
// Every container has labels with its run, its service and its checkout. Run
// removes the container when the engine's command has ended, however that
// happened, and a leftover of an earlier process before it starts. If Run itself
// is killed, the run removes what has its label at its end; if the run is killed,
// the next one of the checkout does.
//
// # Compose files
//
// The engine resolves its own files: extends, profiles, env files, overrides and
// variables. Run changes the resolved model and passes it back on standard
// input. That works with every version, docker-compose 1.29 included, whereas
// an override file can replace a list of ports only since Docker Compose 2.24.
package container

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/devports/devports/allocator/holder/engine"
	"github.com/devports/devports/procfile"
)

// LabelCheckout is the label of a container or volume with its checkout, beside
// those of the package engine.
const LabelCheckout = "devports.checkout"

// The labels of compose on its own resources.
const (
	composeProject = "com.docker.compose.project"
	composeVolume  = "com.docker.compose.volume"
)

// Spec is what [Run] needs to run a service.
type Spec struct {
	Service   string
	Container procfile.Container
	Checkout  string // the value of LabelCheckout
	Lock      string // the file that serialises the creation of networks and volumes
	Engine    Engine // the zero Engine: Run finds one
	Model     string // a hash of the service in the resolved compose file
}

// argument is the first argument of devports that selects [Run].
const argument = "(container)"

// Arguments returns the arguments of devports that run the service.
func (s Spec) Arguments() []string {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // it has only strings and numbers
	}
	return []string{argument, string(encoded)}
}

// Parse reads the Spec from the arguments of a program. ok is false if they are
// not those of a service.
func Parse(args []string) (s Spec, ok bool) {
	if len(args) != 3 || args[1] != argument {
		return s, false
	}
	return s, json.Unmarshal([]byte(args[2]), &s) == nil
}

func (s Spec) labels(instance string) map[string]string {
	return map[string]string{engine.LabelInstance: instance, engine.LabelService: s.Service, LabelCheckout: s.Checkout}
}

// Failure says why a container does not run, and what to do about it.
type Failure struct {
	Text, Hint string
	Status     int // of the process
}

func (f *Failure) Error() string { return f.Text }

func failure(hint, format string, args ...any) *Failure {
	return &Failure{Text: fmt.Sprintf(format, args...), Hint: hint, Status: 125}
}

// ExitError is the exit status of a container.
type ExitError struct{ Status int }

func (e *ExitError) Error() string { return fmt.Sprintf("exited with status %d", e.Status) }

// isFailure returns err as a *Failure, if it is one.
func isFailure(err error) (f *Failure, ok bool) {
	ok = errors.As(err, &f)
	return f, ok
}
