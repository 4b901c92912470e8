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
	Dependencies map[string]any `toml:"dependencies"`
	Bin          []binary       `toml:"bin"`
	Workspace    struct {
		Members []string `toml:"members"`
		Exclude []string `toml:"exclude"`
	} `toml:"workspace"`
}

type binary struct {
	Name string `toml:"name"`
	Path string `toml:"path"`
}

// cargo finds the programs of a Cargo package, and of the members of its
// workspace.
func cargo(t tree, dir string) (f findings) {
	if dir != "." && t.exists("Cargo.toml") {
		return f
	}
	root, ok := readCrate(t, dir, &f)
	if !ok {
		return f
	}
	patterns := root.Workspace.Members
	for _, e := range root.Workspace.Exclude {
		patterns = append(patterns, "!"+e)
	}
	dirs, crates := []string{dir}, []crate{root}
	for _, member := range t.match(dir, patterns, "Cargo.toml") {
		if c, ok := readCrate(t, member, &f); ok {
			dirs, crates = append(dirs, member), append(crates, c)
		}
	}
	// Where some crates say that they serve, the others with programs are tools.
	serving := slices.ContainsFunc(crates, crate.serves)
	for i, c := range crates {
		crateBinaries(t, dir, dirs[i], c, serving, &f)
	}
	if len(f.candidates)+len(f.leftOut) == 0 {
		f.leaveOut(path.Join(dir, "Cargo.toml"), "none of its packages has a program")
	}
	return f
}

// rustServers are crates that listen.
var rustServers = []string{
	"axum", "actix-web", "rocket", "warp", "tonic", "hyper", "poem", "salvo", "tide", "tiny_http", "gotham", "leptos_axum", "leptos_actix", "async-graphql-axum", "dropshot", "ntex", "volo-http", "jsonrpsee", "tungstenite", "tokio-tungstenite",
}

// serves reports whether a crate depends on one that listens.
func (c crate) serves() bool {
	return slices.ContainsFunc(rustServers, func(name string) bool { _, ok := c.Dependencies[name]; return ok })
}

// isTool reports whether a crate parses a command line, and depends on nothing
// that listens.
func (c crate) isTool() bool {
	_, clap := c.Dependencies["clap"]
	_, argh := c.Dependencies["argh"]
	_, tokio := c.Dependencies["tokio"]
	return (clap || argh) && !tokio && !c.serves()
}

func readCrate(t tree, dir string, f *findings) (c crate, ok bool) {
	file := path.Join(dir, "Cargo.toml")
	src, ok := t.read(file)
	if !ok {
		return c, false
	}
	if err := toml.Unmarshal(src, &c); err != nil {
		f.leaveOut(file, "cannot parse it: %s", firstLine(err))
		return c, false
	}
	return c, true
}

// crateBinaries adds the programs of the package in dir. They run in the root
// of its workspace. serving means that another crate of the workspace serves.
func crateBinaries(t tree, root, dir string, c crate, serving bool, f *findings) {
	if !printable(c.Package.Name) {
		return
	}
	found := t.binaryNames(dir, c)
	f.packages = append(f.packages, c.Package.Name)
	if len(found) > 0 && (c.isTool() || serving && !c.serves() && !slices.ContainsFunc(found, func(name string) bool { return isWorker(name, "") })) {
		f.leaveOut(path.Join(dir, "Cargo.toml"), "it depends on nothing that listens: it seems to be a command-line tool")
		return
	}
	moved := t.targetMoved(root)
	for _, name := range found {
		s := serviceIn(root, "")
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
			f.leaveOut(s.Origin+", binary "+name, "its name suggests a tool, not a service")
			continue
		}
		f.add(s, name, path.Base(dir)+"-"+name)
	}
}

// targetMoved reports whether Cargo's configuration in root changes the output
// directory from target/debug.
func (t tree) targetMoved(root string) bool {
	for _, name := range []string{".cargo/config.toml", ".cargo/config"} {
		if src, ok := t.read(path.Join(root, name)); ok && (strings.Contains(string(src), "target-dir") || strings.Contains(string(src), "target =")) {
			return true
		}
	}
	return false
}

// binaryNames returns the names of a package's binaries: those that it lists,
// and those in the directories that Cargo searches.
func (t tree) binaryNames(dir string, c crate) []string {
	var found []string
	listed := func(file string) bool {
		return slices.ContainsFunc(c.Bin, func(b binary) bool { return path.Clean(b.Path) == file })
	}
	for _, b := range c.Bin {
		found = append(found, b.Name)
	}
	if c.Package.Autobins == nil || *c.Package.Autobins {
		if t.exists(path.Join(dir, "src/main.rs")) && !listed("src/main.rs") {
			found = append(found, c.Package.Name)
		}
		entries, _ := fs.ReadDir(t.fs, path.Join(dir, "src/bin"))
		for _, e := range entries {
			name, isFile := strings.CutSuffix(e.Name(), ".rs")
			if isFile && !e.IsDir() && !listed("src/bin/"+e.Name()) || e.IsDir() && t.exists(path.Join(dir, "src/bin", name, "main.rs")) {
				found = append(found, name)
			}
		}
	}
	return slices.DeleteFunc(unique(found), func(name string) bool { return !printable(name) })
}
