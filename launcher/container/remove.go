package container

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/devports/devports/allocator/holder/engine"
)

// Checkout is whose containers, networks and volumes to list or remove.
type Checkout struct {
	Name      string // its unique name
	Directory string
	Shared    bool // of its run of shared services
}

// Label is the value of LabelCheckout.
func (c Checkout) Label() string {
	if c.Shared {
		return c.Name + sharedMark + " " + c.Directory
	}
	return c.Name + " " + c.Directory
}

// sharedMark follows the name in the label of a shared service. Names have no
// such character.
const sharedMark = "/shared"

// removeTimeout is how long an engine may take to remove what a run has left.
const removeTimeout = 20 * time.Second

// removalTimeout is how long a removal that something else has begun may take.
const removalTimeout = 5 * time.Second

// Remove removes the containers of a checkout, running or not, and the networks
// that compose has created for it, and returns the names of the containers. With
// an instance, it removes only the containers of that run. Volumes remain. It
// returns no error if there is no engine.
func Remove(ctx context.Context, env []string, c Checkout, instance string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	h := host{env: env}
	e, err := h.find(ctx, false)
	if err != nil {
		return nil, nil
	}
	filters := []string{"label=" + LabelCheckout + "=" + c.Label()}
	if instance != "" {
		filters = append(filters, "label="+engine.LabelInstance+"="+instance)
	}
	removed, err := h.remove(ctx, e, filters...)
	if err != nil {
		return removed, explain(e, err)
	}
	networks, err := h.output(ctx, e.Program, "network", "ls", "-q", "--filter", "label="+composeProject+"="+c.Name)
	for _, id := range strings.Fields(networks) {
		_, _ = h.output(ctx, e.Program, "network", "rm", id) // fails if it is still in use
	}
	return removed, err
}

// Owned is a container or volume that devports has created.
type Owned struct {
	Name     string
	Instance string // the run of a container
	Checkout Checkout
}

// Containers returns all containers of runs, of any checkout. They are none if
// there is no engine, or it does not run.
func Containers(ctx context.Context, env []string) []Owned {
	return list(ctx, env, []string{"ps", "-a"}, "{{.Names}}\t{{.Label \""+engine.LabelInstance+"\"}}\t{{.Label \""+LabelCheckout+"\"}}")
}

// Volumes returns all volumes that devports has created, of any checkout. They
// are none if there is no engine, or it does not run.
func Volumes(ctx context.Context, env []string) []Owned {
	return list(ctx, env, []string{"volume", "ls"}, "{{.Name}}\t\t{{.Label \""+LabelCheckout+"\"}}")
}

// listTimeout is how long an engine may take to list what it has.
const listTimeout = 5 * time.Second

func list(ctx context.Context, env, command []string, format string) (owned []Owned) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	h := host{env: env}
	e, err := h.find(ctx, false)
	if err != nil {
		return nil
	}
	out, err := h.output(ctx, append(append([]string{e.Program}, command...), "--filter", "label="+LabelCheckout, "--format", format)...)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if name, directory, ok := strings.Cut(fields[len(fields)-1], " "); ok && len(fields) == 3 {
			name, shared := strings.CutSuffix(name, sharedMark)
			owned = append(owned, Owned{fields[0], fields[1], Checkout{name, directory, shared}})
		}
	}
	return owned
}

// containers returns the containers that match all filters, as "ID NAME".
func (h host) containers(ctx context.Context, e Engine, filters ...string) (ids, names []string, err error) {
	argv := []string{e.Program, "ps", "-a", "--format", "{{.ID}} {{.Names}}"}
	for _, f := range filters {
		argv = append(argv, "--filter", f)
	}
	out, err := h.output(ctx, argv...)
	for line := range strings.Lines(out) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			ids, names = append(ids, id), append(names, name)
		}
	}
	return ids, names, err
}

// remove removes the containers that match all filters, with their anonymous
// volumes.
func (h host) remove(ctx context.Context, e Engine, filters ...string) ([]string, error) {
	ids, names, err := h.containers(ctx, e, filters...)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	_, err = h.output(ctx, append([]string{e.Program, "rm", "-f", "-v"}, ids...)...)
	for limit := time.Now().Add(removalTimeout); err != nil && time.Now().Before(limit); { // the engine may be removing them itself
		if left, _, again := h.containers(ctx, e, filters...); again == nil && len(left) == 0 {
			return names, nil
		}
		select {
		case <-ctx.Done():
			return names, err
		case <-time.After(100 * time.Millisecond):
		}
	}
	return names, err
}

// RemoveVolumes removes volumes by name.
func RemoveVolumes(ctx context.Context, env []string, names ...string) error {
	h := host{env: env}
	e, err := h.find(ctx, false)
	for _, name := range names {
		if err == nil {
			_, removal := h.output(ctx, e.Program, "volume", "rm", name)
			err = errors.Join(err, explain(e, removal))
		}
	}
	return err
}

// createVolume creates a volume with labels, unless it exists.
func (h host) createVolume(ctx context.Context, e Engine, s Spec, name string, labels ...string) error {
	argv := []string{e.Program, "volume", "create", "--label", LabelCheckout + "=" + s.Checkout}
	for _, l := range labels {
		argv = append(argv, "--label", l)
	}
	_, err := h.output(ctx, append(argv, name)...)
	if exit := (*exec.ExitError)(nil); err != nil && e.Program == "podman" && errors.As(err, &exit) {
		return nil // it exists
	}
	return err
}
