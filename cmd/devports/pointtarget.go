package main

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// pointedProject is the project in the checkout that the command line names.
func (s session) pointedProject(c *cli.Context) (project.Project, error) {
	dir := c.String("dir")
	switch {
	case c.IsSet("dir") && c.IsSet("label"), c.IsSet("dir") && c.IsSet("file"), c.IsSet("label") && c.IsSet("file"):
		return project.Project{}, usage("", "only one of --dir, --label and --file can be used")
	case c.IsSet("label"):
		here, err := s.openProject(c)
		if err != nil {
			return project.Project{}, err
		}
		if dir, err = s.checkoutLabelled(here, c.String("label")); err != nil {
			return project.Project{}, err
		}
	case !c.IsSet("dir"):
		return s.openProject(c)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return project.Project{}, err
	}
	path, err := procfile.Find(dir, s.getenv)
	if err != nil {
		return project.Project{}, err
	}
	return s.projectAt(path, c.String("registry"), nil)
}

// mainLabel stands for the main checkout, which has no label.
const mainLabel = "main"

// checkouts returns the scope of a project, and the directories of all its
// checkouts that have leases, by label.
func (s session) checkouts(here project.Project) (scope registry.Scope, directories map[string]string, err error) {
	scope, leases, err := here.Registry.SeenFrom(here.Checkout)
	if err != nil {
		return scope, nil, err
	}
	directories = map[string]string{scope.Worktree: scope.Directory}
	for _, l := range leases {
		if l.Scope.Project == scope.Project && !l.Scope.UserWide() && !checkout.IsGone(l.Scope.Directory) {
			directories[l.Scope.Worktree] = l.Scope.Directory
		}
	}
	return scope, directories, nil
}

// checkoutLabelled returns the directory of the checkout of a project that has
// a label.
func (s session) checkoutLabelled(here project.Project, label string) (string, error) {
	scope, directories, err := s.checkouts(here)
	if err != nil {
		return "", err
	}
	if dir, ok := directories[label]; ok {
		return dir, nil
	}
	if dir, ok := directories[""]; ok && label == mainLabel {
		return dir, nil
	}
	var labels []string
	for _, l := range slices.Sorted(maps.Keys(directories)) {
		labels = append(labels, cmp.Or(l, mainLabel))
	}
	hint := "available labels: " + wording.List(labels) + "; a checkout that has not run yet: --dir PATH"
	if near, ok := text.Nearest(label, labels); ok {
		hint = "did you mean " + near + "?"
	}
	return "", usage(hint, "%s has no checkout with label %q", text.OneLine(scope.Project), label)
}

// labels completes the labels of the checkouts of the project.
func labels(l line) (candidates []candidate) {
	here, err := l.session.openProject(l.context)
	if err != nil {
		return nil
	}
	_, directories, err := l.session.checkouts(here)
	if err != nil {
		return nil
	}
	for _, label := range slices.Sorted(maps.Keys(directories)) {
		candidates = append(candidates, candidate{Word: cmp.Or(label, mainLabel), About: directories[label]})
	}
	return candidates
}

// hasPort is the error if a file does not declare a port: "web", or "web:metrics".
func hasPort(file procfile.File, name string) error {
	n, err := registry.ParseName(name)
	if err != nil {
		return usage("", "%v", err)
	}
	if err := declares(file, []string{n.Service}); err != nil {
		return err
	}
	var names []string
	for _, w := range file.Ports() {
		switch {
		case w.Name == n:
			return nil
		case w.Name.Service == n.Service:
			names = append(names, w.Name.String())
		}
	}
	if n.Port == "" {
		return fail(exitFailed, "", "%s has no port: it sets port = false", n)
	}
	hint := ""
	if len(names) > 0 {
		hint = "available ports: " + wording.List(names)
	}
	return fail(exitFailed, hint, "%s has no port %s", n.Service, n.Port)
}
