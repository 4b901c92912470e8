//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/devports/devports/cmd/devports/internal/complete"
)

// TestRelease checks the release configuration without goreleaser: every file
// that it names exists or is made by its hooks, which cover all shells.
func TestRelease(t *testing.T) {
	const root, extras = "../..", ".github/extras"
	type files []struct{ Src string }
	var recipe struct {
		Before   struct{ Hooks []string }
		Archives []struct{ Files files }
		Packages []struct{ Contents files } `yaml:"nfpms"`
	}
	text, err := os.ReadFile(filepath.Join(root, ".github/goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &recipe); err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	runHooks(t, dir, extras, recipe.Before.Hooks)
	check := func(files files) {
		if len(files) == 0 {
			t.Error("no files")
		}
		for _, f := range files {
			from := root
			if strings.HasPrefix(f.Src, extras) {
				from = dir
			}
			if found, _ := filepath.Glob(filepath.Join(from, f.Src)); len(found) == 0 {
				t.Errorf("%s is neither here nor made by the hooks", f.Src)
			}
		}
	}
	if len(recipe.Archives) == 0 || len(recipe.Packages) == 0 {
		t.Error("no archives or no packages")
	}
	for _, a := range recipe.Archives {
		check(a.Files)
	}
	for _, p := range recipe.Packages {
		check(p.Contents)
	}

	page, err := os.ReadFile(filepath.Join(dir, extras, "man/devports.1"))
	if err != nil || string(page) != printManual(t) {
		t.Errorf("the manual page is another one: %v", err)
	}
	made, _ := filepath.Glob(filepath.Join(dir, extras, "completions/*"))
	for _, shell := range complete.Shells {
		script, _ := complete.Script(shell)
		found := false
		for _, path := range made {
			text, _ := os.ReadFile(path)
			found = found || bytes.Equal(text, script)
		}
		if !found {
			t.Errorf("the completions are made without %s's", shell)
		}
	}
}

// runHooks runs the hooks in dir, with this test binary as devports.
func runHooks(t *testing.T, dir, extras string, hooks []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, extras), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, extras, "devports")); err != nil {
		t.Fatal(err)
	}
	for _, hook := range hooks {
		if strings.HasPrefix(hook, "go build ") {
			continue
		}
		cmd := exec.Command("sh", "-c", hook)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", hook, err, out)
		}
	}
}
