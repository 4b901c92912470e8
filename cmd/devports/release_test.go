//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestFormula checks what Homebrew installs: the archive of each system and
// processor, and files that are in it.
func TestFormula(t *testing.T) {
	const script = "../../.github/formula.sh"
	sums := ""
	for n, platform := range []string{"darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"} {
		sums += fmt.Sprintf("%064d  devports_1.2.3_%s.tar.gz\n%064d  devports_1.2.3_%s.tar.gz.sbom\n", n, platform, 9, platform)
	}
	path := filepath.Join(t.TempDir(), "checksums.txt")
	if err := os.WriteFile(path, []byte(sums), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(script, "1.2.3", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	formula := string(out)
	var last int
	for _, want := range []string{
		`version "1.2.3"`,
		"on_macos", "on_arm", "/releases/download/v1.2.3/devports_1.2.3_darwin_arm64.tar.gz\"\n      sha256 \"" + fmt.Sprintf("%064d", 1),
		"on_intel", "/releases/download/v1.2.3/devports_1.2.3_darwin_amd64.tar.gz\"\n      sha256 \"" + fmt.Sprintf("%064d", 0),
		"on_linux", "on_arm", "/releases/download/v1.2.3/devports_1.2.3_linux_arm64.tar.gz\"\n      sha256 \"" + fmt.Sprintf("%064d", 3),
		"on_intel", "/releases/download/v1.2.3/devports_1.2.3_linux_amd64.tar.gz\"\n      sha256 \"" + fmt.Sprintf("%064d", 2),
	} {
		n := strings.Index(formula[last:], want)
		if n < 0 {
			t.Fatalf("no %s at its place in\n%s", want, formula)
		}
		last += n + len(want)
	}
	recipe, err := os.ReadFile("../../.github/goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := regexp.MustCompile(`"((?:completions|man)/[^"]+)"`).FindAllStringSubmatch(formula, -1)
	if len(files) != 4 {
		t.Errorf("%d files besides the program", len(files))
	}
	for _, file := range files {
		if !strings.Contains(string(recipe), "> .github/extras/"+file[1]+`"`) {
			t.Errorf("no hook of the release makes %s", file[1])
		}
	}

	if err := os.WriteFile(path, []byte(strings.ReplaceAll(sums, "linux_arm64", "linux_riscv64")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(script, "1.2.3", path).CombinedOutput(); err == nil || !strings.Contains(string(out), "no checksum of devports_1.2.3_linux_arm64.tar.gz") {
		t.Errorf("without a checksum: %v\n%s", err, out)
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
