package export

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/procfile"
)

var update = flag.Bool("update", false, "write the files that the tests compare with")

var formats = map[string]func(Input) Result{"compose": Compose, "kubernetes": Kubernetes, "systemd": Systemd}

// input reads the Portfile in a directory. Its ports count from 23101, and its
// directory is called /project.
func input(t *testing.T, dir string) Input {
	t.Helper()
	f, err := procfile.Read(filepath.Join(dir, "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Name = "Portfile"
	in, err := resolved(f)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// resolved is the input for a file.
func resolved(f procfile.File) (Input, error) {
	f, err := f.ExpandReplicas(nil)
	if err != nil {
		return Input{}, err
	}
	in := Input{Project: f.Project, Ports: map[allocator.PortName]int{}, Dockerfiles: map[string]Dockerfile{}}
	for i, w := range f.Ports() {
		if in.Ports[w.Name] = 23101 + i; w.Pin != 0 {
			in.Ports[w.Name] = w.Pin
		}
	}
	var uses []procfile.Used
	for _, u := range f.Uses {
		uses = append(uses, procfile.Used{Name: u.Name, Ports: map[allocator.PortName]int{{Service: "index"}: 24001}})
	}
	in.Plan, err = f.Resolve(procfile.Context{
		Uses: uses, Environ: []string{"PATH=/bin", "TOKEN=secret of this shell"}, Project: f.Project, Slug: f.Project, Ports: in.Ports, Site: procfile.Site{Name: f.Project, Port: 4777, Project: f.Project},
	})
	if err != nil {
		return Input{}, err
	}
	for _, s := range f.Services {
		p, _ := in.Plan.Service(s.Name)
		if src, err := os.ReadFile(filepath.Join(p.Dir, "Dockerfile")); err == nil {
			dir, _ := filepath.Rel(f.Dir, p.Dir)
			in.Dockerfiles[s.Name] = ParseDockerfile(string(src), filepath.ToSlash(dir))
		}
	}
	in.File = f
	return in, nil
}

// The exports of testdata are those in its directories. go test -update writes
// them.
func TestGolden(t *testing.T) {
	for name, export := range formats {
		for _, project := range []string{"team", "images", "monorepo", "../../../examples/shop", "../../../examples/stack"} {
			dir := filepath.Join("testdata", project)
			directory := filepath.Join("testdata", "golden", filepath.Base(project), name)
			absolute, err := filepath.Abs(dir)
			if err != nil {
				t.Fatal(err)
			}
			result := export(input(t, dir))
			want := map[string]string{}
			for _, f := range result.Files {
				want[f.Name] = strings.ReplaceAll(f.Text, absolute, "/project")
			}
			var lost strings.Builder
			for _, p := range result.Lost {
				lost.WriteString(p.Error() + "\n")
			}
			want["lost.txt"] = lost.String()
			if *update {
				if err := os.RemoveAll(directory); err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(directory, 0o755); err != nil {
					t.Fatal(err)
				}
				for file, text := range want {
					if err := os.WriteFile(filepath.Join(directory, file), []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := map[string]string{}
			entries, err := os.ReadDir(directory)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				text, err := os.ReadFile(filepath.Join(directory, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				got[e.Name()] = string(text)
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("%s as %s: go test -update rewrites it\n%s", project, name, diff)
			}
		}
	}
}

// Nothing of the shell's environment is in an export for containers.
func TestNoSecrets(t *testing.T) {
	for _, name := range []string{"compose", "kubernetes"} {
		for _, f := range formats[name](input(t, "testdata/team")).Files {
			if strings.Contains(f.Text, "secret of this shell") {
				t.Errorf("%s has the value of a variable of the shell", name)
			}
		}
	}
}

// A Dockerfile that only one service is built from starts it, however many
// replicas, images and steps of the setup there are in its directory.
func TestDockerfileStarts(t *testing.T) {
	for _, test := range []struct {
		more  string // in [services]
		lines int    // that run the command of web
	}{
		{"", 0},
		{"[services.worker]\ncommand = 'npm run work'\n", 1},
	} {
		paths := write(t, []File{{"Dockerfile", "FROM node\nCMD [\"node\", \"server.js\"]\n"}, {"Portfile", "project = 'x'\n[setup]\ndeps = 'npm ci'\n" +
			"[services.web]\ncommand = 'npm run dev'\nreplicas = 2\n" +
			"[services.db]\nimage = 'postgres:18'\ncontainer_port = 5432\n" + test.more}})
		for _, name := range []string{"compose", "kubernetes"} {
			result := formats[name](input(t, filepath.Dir(paths[0])))
			if n := strings.Count(result.Files[0].Text, "exec npm run dev"); n != test.lines {
				t.Errorf("%s with %q runs the command of web %d times, want %d:\n%s", name, test.more, n, test.lines, result.Files[0].Text)
			}
		}
	}
}

// The check of an image runs in its container, and so needs the variables of the
// ports that it uses there.
func TestImagePorts(t *testing.T) {
	paths := write(t, []File{{"Portfile", `project = "x"
include = [{ path = "Included", prefix = "pay-" }]
[services.db]
image = "postgres:18"
container_port = 5432
ports = ["stats", "admin"]
container_ports = { stats = 9187, admin = 9000 }
command = "postgres -c stats=${PORT_DB_STATS}"
ready = "exec:pg_isready -p $PORT_DB"
`}, {"Included", `[services.cache]
image = "redis:8"
container_port = 6379
ready = "exec:redis-cli -p $PORT_CACHE ping"
`}})
	for name, want := range map[string][]string{
		"compose":    {"PORT_DB: \"5432\"\n", "PORT_DB_STATS: \"9187\"\n", "PORT_CACHE: \"6379\"\n"},
		"kubernetes": {"name: \"PORT_DB\"\n              value: \"5432\"\n", "name: \"PORT_DB_STATS\"\n              value: \"9187\"\n", "name: \"PORT_CACHE\"\n              value: \"6379\"\n"},
	} {
		text := formats[name](input(t, filepath.Dir(paths[0]))).Files[0].Text
		for _, w := range append(want, "postgres -c stats=") {
			if strings.Count(text, w) != 1 {
				t.Errorf("%s does not have %q once:\n%s", name, w, text)
			}
		}
		if strings.Contains(text, "PORT_DB_ADMIN: ") || strings.Contains(text, "\"PORT_DB_ADMIN\"") {
			t.Errorf("%s has a port that nothing uses:\n%s", name, text)
		}
	}
}

// The name of an image has the values that are known, and a note about others.
func TestImageVariables(t *testing.T) {
	paths := write(t, []File{{"Portfile", `project = "x"
[env]
BASE = "alpine"
[services.db]
image = "postgres:${PG:-18}-${BASE}"
port = false
[services.app]
image = "app:${TOKEN}"
port = false
`}})
	for name, want := range map[string][]string{
		"compose":    {`image: "postgres:${PG:-18}-alpine"`, `image: "app:${TOKEN}"`},
		"kubernetes": {`image: "postgres:18-alpine"`, `image: "app:${TOKEN}"`},
	} {
		result := formats[name](input(t, filepath.Dir(paths[0])))
		for _, w := range want {
			if !strings.Contains(result.Files[0].Text, w) {
				t.Errorf("%s does not have %s:\n%s", name, w, result.Files[0].Text)
			}
		}
		noted := []string{}
		for _, p := range result.Lost {
			if strings.Contains(p.Text, "PG") || strings.Contains(p.Text, "TOKEN") {
				noted = append(noted, fmt.Sprintf("%d: %s (%s)", p.Line, p.Text, p.Hint))
			}
		}
		wanted := []string{}
		if name == "kubernetes" {
			wanted = []string{
				"5: PG has its default: a manifest does not read the environment of the shell ()",
				"8: the image of app needs TOKEN: a manifest does not read the environment of the shell (write its value in the manifest, or give it a default: ${TOKEN:-…})",
			}
		}
		if diff := cmp.Diff(wanted, noted); diff != "" {
			t.Errorf("%s: notes (-want +got):\n%s", name, diff)
		}
	}
}

// Paths of this machine mean nothing in a container, and its own PATH finds its
// programs.
func TestPathsOfThisMachine(t *testing.T) {
	paths := write(t, []File{{"Dockerfile", "FROM node\n"}, {"Portfile", `project = "x"
env = { PATH = "./bin:${PATH}", MODULES = "${PATH:+${HOME:-/root}/x}", KEPT = "${TOKEN}/x" }
[services.web]
command = "./web"
env = { BIN = "${MODULES}", OWN = "/bin:/usr/bin" }
`}})
	for _, name := range []string{"compose", "kubernetes"} {
		result := formats[name](input(t, filepath.Dir(paths[0])))
		_, body, _ := strings.Cut(result.Files[0].Text, "\n\n")
		for text, want := range map[string]bool{"./bin": false, "MODULES": false, "BIN": false, "KEPT": true, "OWN": true} {
			if strings.Contains(body, text) != want {
				t.Errorf("%s has %s: %t, want %t:\n%s", name, text, !want, want, body)
			}
		}
		var noted []string
		for _, p := range result.Lost {
			if strings.Contains(p.Text, "not exported") {
				noted = append(noted, fmt.Sprintf("%d: %s (%s)", p.Line, p.Text, p.Hint))
			}
		}
		if diff := cmp.Diff([]string{
			"2: PATH is not exported: it uses PATH of this machine (ENV in the Dockerfile)",
			"2: MODULES is not exported: it uses HOME of this machine (ENV in the Dockerfile)",
			"5: BIN is not exported: it uses HOME of this machine (ENV in the Dockerfile)",
		}, noted); diff != "" {
			t.Errorf("%s: notes (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseDockerfile(t *testing.T) {
	for _, test := range []struct {
		src  string
		want Dockerfile
	}{
		{"FROM a", Dockerfile{}},
		{"FROM a\nCMD x\nFROM b\n", Dockerfile{}},
		{"FROM a\nENTRYPOINT [\"x\"]\nEXPOSE 80/tcp 53/udp $PORT 81", Dockerfile{Starts: true, Expose: []int{80, 81}}},
		{"FROM a\nCMD []", Dockerfile{}},
		{"from a\r\n# CMD x\r\ncmd x \\\n # comment\n y\r\nhealthcheck CMD z", Dockerfile{Starts: true, Healthy: true}},
		{"FROM a\nRUN <<EOF\nCMD x\nEOF\nHEALTHCHECK NONE", Dockerfile{}},
	} {
		got := ParseDockerfile(test.src, "")
		if !cmp.Equal(got, test.want) {
			t.Errorf("%q: %+v, want %+v", test.src, got, test.want)
		}
	}
}

func TestDNSLabel(t *testing.T) {
	long := strings.Repeat("a", 70)
	var all []string
	for _, name := range []string{"a", "A_b", "a-", "a_", "_a", "1a", "1", "a.b", "a.c", "é", long, long + "b"} {
		l := dnsLabel(name)
		if len(l) > 52 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasSuffix(l, "-") || l[0] < 'a' {
			t.Errorf("%s: %s", name, l)
		}
		all = append(all, l)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all)-1 { // a- and a_ cannot be in one file
		t.Error(all)
	}
}
