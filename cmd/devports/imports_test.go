package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/devports/devports/"

// Imports point down, so that each part can be understood without the parts
// above it. A third-party module has one home package, so that its
// peculiarities are known in one place, and it can be replaced there.
var (
	mayImport = map[string][]string{
		"cmd":       {"launcher", "procfile", "registry", "allocator"},
		"launcher":  {"procfile", "allocator/atomicfile", "allocator/envvar", "allocator/holder", "allocator/lockfile", "allocator/process", "allocator/text"}, // it does not choose ports
		"procfile":  {"allocator"},
		"registry":  {"allocator"},
		"allocator": {},
		"examples":  {},
	}
	homes = map[string][]string{
		"github.com/urfave/cli/v2":         {"cmd/devports"},
		"golang.org/x/term":                {"cmd/devports"},
		"github.com/joho/godotenv":         {"procfile"},
		"github.com/pelletier/go-toml/v2":  {"procfile", "procfile/scaffold"},                                              // for Cargo.toml
		"github.com/goccy/go-yaml":         {"procfile/scaffold", "procfile/export", "launcher/container", "cmd/devports"}, // the last for a test
		"mvdan.cc/sh/v3":                   {"procfile/shell", "procfile/scaffold"},
		"github.com/fsnotify/fsnotify":     {"launcher/watcher"},
		"github.com/bmatcuk/doublestar/v4": {"launcher/watcher"},
		"github.com/creack/pty":            {"launcher/terminal"},
		"github.com/mattn/go-runewidth":    {"launcher/screen"},
		"github.com/gofrs/flock":           {"allocator/lockfile"},
		"github.com/shirou/gopsutil/v4":    {"allocator/holder"},
		"github.com/coder/websocket":       {"launcher/front/dashboard", "launcher/front", "cmd/devports"}, // for tests
		"golang.org/x/sys":                 nil,                                                            // allowed everywhere
		"github.com/rogpeppe/go-internal":  {"cmd/devports"},
		"github.com/google/go-cmp":         nil, // for tests
	}
)

func TestImports(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		cmd := exec.Command("go", "list", "-test", "-json=ImportPath,Imports,Module", module+"...")
		cmd.Env = append(cmd.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p struct {
				ImportPath string
				Imports    []string
			}
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			checkImports(t, goos, p.ImportPath, p.Imports)
		}
	}
}

func checkImports(t *testing.T, goos, path string, imports []string) {
	path, _, withTests := strings.Cut(path, " ") // "p [p.test]" is p with its tests
	if strings.HasSuffix(path, ".test") {
		return
	}
	from := strings.TrimSuffix(strings.TrimPrefix(path, module), "_test")
	layer, _, _ := strings.Cut(from, "/")
	for _, i := range imports {
		i, _, _ = strings.Cut(i, " ")
		if to, ours := strings.CutPrefix(i, module); ours {
			within := func(tree string) bool {
				if withTests { // which may import everything
					tree, _, _ = strings.Cut(tree, "/")
				}
				return to == tree || strings.HasPrefix(to, tree+"/")
			}
			if !within(layer) && !slices.ContainsFunc(mayImport[layer], within) {
				t.Errorf("%s: %s imports %s: %s may import only %v", goos, from, to, layer, mayImport[layer])
			}
			continue
		}
		if first, _, _ := strings.Cut(i, "/"); !strings.Contains(first, ".") {
			continue // the standard library
		}
		home := false
		for mod, packages := range homes {
			if i == mod || strings.HasPrefix(i, mod+"/") {
				home = packages == nil || slices.Contains(packages, from)
			}
		}
		if !home {
			t.Errorf("%s: %s imports %s, whose home is elsewhere or nowhere yet", goos, from, i)
		}
	}
}
