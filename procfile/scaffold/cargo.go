package scaffold

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// crate is the part of a Cargo.toml that scaffold uses
// (https://doc.rust-lang.org/cargo/reference/cargo-targets.html).
type crate struct {
	Package struct {
		Name       string `toml:"name"`
		Autobins   *bool  `toml:"autobins"`
		DefaultRun string `toml:"default-run"`
	} `toml:"package"`
	Bin       []binary `toml:"bin"`
	Workspace struct {
		Members []string `toml:"members"`
		Exclude []string `toml:"exclude"`
	} `toml:"workspace"`
}

type binary struct {
	Name string `toml:"name"`
	Path string `toml:"path"`
}

// cargo adds the programs of a Cargo package, and of the members of its
// workspace.
func (d *detector) cargo(dir string) {
	c, ok := d.crate(dir)
	if !ok {
		return
	}
	d.crateBinaries(dir, dir, c)
	patterns := c.Workspace.Members
	for _, e := range c.Workspace.Exclude {
		patterns = append(patterns, "!"+e)
	}
	for _, member := range d.match(dir, patterns, "Cargo.toml") {
		if c, ok := d.crate(member); ok {
			d.crateBinaries(dir, member, c)
		}
	}
}

func (d *detector) crate(dir string) (c crate, ok bool) {
	file := path.Join(dir, "Cargo.toml")
	src, ok := d.read(file)
	if !ok {
		return c, false
	}
	if err := toml.Unmarshal(src, &c); err != nil {
		d.project.leaveOut(file, "cannot parse it: %s", firstLine(err))
		return c, false
	}
	return c, true
}

// crateBinaries adds the programs of the package in dir. They run in the root
// of its workspace.
func (d *detector) crateBinaries(root, dir string, c crate) {
	if !printable(c.Package.Name) {
		return
	}
	found := d.binaryNames(dir, c)
	moved := d.targetMoved(root)
	for _, name := range found {
		s := d.service(root, "")
		options := ""
		if dir != root {
			options += " -p " + quoteSh(c.Package.Name)
		}
		if len(found) > 1 {
			options += " --bin " + quoteSh(name)
			s.Part = "binary " + name
		}
		s.Origin, s.Command = path.Join(dir, "Cargo.toml"), "cargo run"+options
		if !moved { // the old process serves during compilation
			s.Build, s.Command = "cargo build"+options, "${CARGO_TARGET_DIR:-target}/debug/"+quoteSh(name)
			s.Watch = patternsIn(s.Dir, "**/*.rs", "**/Cargo.toml", "!target/**")
		}
		s.Worker = isWorker(name, "")
		s.NoPort = s.Worker
		if isTool(name) {
			d.project.leaveOut(s.Origin+", binary "+name, "its name suggests a tool, not a service")
			continue
		}
		d.project.add(s, name, path.Base(dir)+"-"+name)
	}
}

// targetMoved reports whether Cargo's configuration in root changes the output
// directory from target/debug.
func (d *detector) targetMoved(root string) bool {
	for _, name := range []string{".cargo/config.toml", ".cargo/config"} {
		if src, ok := d.read(path.Join(root, name)); ok && (strings.Contains(string(src), "target-dir") || strings.Contains(string(src), "target =")) {
			return true
		}
	}
	return false
}

// binaryNames returns the names of a package's binaries: those that it lists,
// and those in the directories that Cargo searches.
func (d *detector) binaryNames(dir string, c crate) []string {
	var found []string
	listed := func(file string) bool {
		return slices.ContainsFunc(c.Bin, func(b binary) bool { return path.Clean(b.Path) == file })
	}
	for _, b := range c.Bin {
		found = append(found, b.Name)
	}
	if c.Package.Autobins == nil || *c.Package.Autobins {
		if d.exists(path.Join(dir, "src/main.rs")) && !listed("src/main.rs") {
			found = append(found, c.Package.Name)
		}
		entries, _ := fs.ReadDir(d.fs, path.Join(dir, "src/bin"))
		for _, e := range entries {
			name, isFile := strings.CutSuffix(e.Name(), ".rs")
			if isFile && !e.IsDir() && !listed("src/bin/"+e.Name()) || e.IsDir() && d.exists(path.Join(dir, "src/bin", name, "main.rs")) {
				found = append(found, name)
			}
		}
	}
	return slices.DeleteFunc(unique(found), func(name string) bool { return !printable(name) })
}
