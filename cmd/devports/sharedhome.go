package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"

	"github.com/devports/devports/allocator/atomicfile"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/registry"
)

// sharedHomeFile is the file that names the checkout which was the first to start
// shared services, in a repository without a main checkout.
func (s session) sharedHomeFile(repository, path string) (string, error) {
	home, err := registry.Home(s.getenv)
	key := fnv.New64a()
	fmt.Fprintf(key, "%s\x00%s", repository, path)
	return filepath.Join(home, "shared", fmt.Sprintf("%016x.json", key.Sum64())), err
}

type sharedHome struct {
	Directory string `json:"directory"`
}

// sharedHome implements [project.Host].
func (s session) sharedHome(repository, path string) string {
	file, err := s.sharedHomeFile(repository, path)
	if err != nil || repository == "" {
		return ""
	}
	var home sharedHome
	if text, err := os.ReadFile(file); err != nil || json.Unmarshal(text, &home) != nil {
		return ""
	}
	return home.Directory
}

// rememberSharedHome records where shared services run, unless that is the main
// checkout.
func (s session) rememberSharedHome(p project.Project, scope registry.Scope) error {
	if scope.Main() || p.Checkout.Repository == "" || s.sharedHome(p.Checkout.Repository, p.Checkout.Path) == scope.Directory {
		return nil
	}
	file, err := s.sharedHomeFile(p.Checkout.Repository, p.Checkout.Path)
	if err != nil {
		return err
	}
	text, err := json.Marshal(sharedHome{scope.Directory})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(file, text, atomicfile.Options{Mode: 0o600, Unlocked: true})
}
