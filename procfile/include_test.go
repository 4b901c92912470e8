package procfile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator"
)

// project writes files, by their paths, and returns their directory.
func project(t testing.TB, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each key of a Portfile can be emptied in a Portfile.local: false or [] is one
// of its values, or removes the key. None of them is an error there, except for
// the required ones.
func TestLocalEmptiesEveryKey(t *testing.T) {
	required := []string{"project", "services", "command"}
	empties := func(local string) error {
		dir := project(t, map[string]string{"Portfile": "[services.web]\ncommand = 'x'\n", LocalName: local})
		_, err := Read(filepath.Join(dir, "Portfile"), nil)
		return err
	}
	for _, off := range []string{"false", "[]"} {
		for _, key := range slices.Sorted(maps.Keys(projectKeys)) {
			if err := empties(key + " = " + off); (err != nil) != slices.Contains(required, key) {
				t.Errorf("%s = %s: %v", key, off, err)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(serviceKeys)) {
			// A setting without effect may be a mistake, but not the value.
			if err := empties("[services.web]\n" + key + " = " + off); err != nil && !strings.Contains(err.Error(), "no effect") && !strings.Contains(err.Error(), "has volumes, but neither") && !slices.Contains(required, key) {
				t.Errorf("%s = %s: %v", key, off, err)
			}
		}
	}
}

// A Portfile.local can run a container instead of a command.
func TestLocalContainer(t *testing.T) {
	dir := project(t, map[string]string{
		"Portfile": "[services.db]\ncommand = 'postgres'\n",
		LocalName:  "[services.db]\ncommand = false\nimage = 'postgres:18'\ncontainer_port = 5432\n",
	})
	f, err := Read(filepath.Join(dir, "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if db, _ := f.Service("db"); db.Command.Shell != "" {
		t.Errorf("it runs %q", db.Command.Shell)
	}
}

// The names in a file with a prefix mean its own services first; those in a file
// that it includes, that file's.
func TestNestedPrefixes(t *testing.T) {
	dir := project(t, map[string]string{
		"Portfile":     "include = [{ path = 'a/Portfile', prefix = 'a-' }]\ngroups = { g = ['db'] }\n[services]\ndb = 'x'\nroot = 'x'\n",
		"a/Portfile":   "include = [{ path = 'b/Portfile', prefix = 'b-' }]\ngroups = { g = ['db', 'b-web'] }\n[services]\ndb = 'x'\nweb = { command = 'x', depends_on = ['db', 'b-web', 'root'] }\n",
		"a/b/Portfile": "[services]\nweb = { command = 'x', depends_on = ['db', 'root'], env = { D = '${PORT_DB}', W = '${PORT_WEB}', R = '${PORT_ROOT}' } }\n",
	})
	f, err := Read(filepath.Join(dir, "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	dependencies := map[string]string{}
	for _, s := range f.Services {
		for _, d := range s.DependsOn {
			dependencies[s.Name] += d.Value + " "
		}
	}
	if diff := cmp.Diff(map[string]string{"a-web": "a-db a-b-web root ", "a-b-web": "a-db root "}, dependencies); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join(f.Expand([]string{"g", "a-g"}), " "); got != "db a-db a-b-web" {
		t.Errorf("groups: %s", got)
	}
	if f, err = f.ExpandReplicas(nil); err != nil {
		t.Fatal(err)
	}
	ports := portsOf(f)
	plan, err := f.Resolve(Context{Ports: ports})
	if err != nil {
		t.Fatal(err)
	}
	web, _ := plan.Service("a-b-web")
	for name, of := range map[string]string{"D": "a-db", "W": "a-b-web", "R": "root", "PORT_WEB": "a-b-web", "PORT_A_WEB": "a-web"} {
		other, _ := plan.Service(of)
		if got, _ := web.Env.Lookup(name); got != fmt.Sprint(other.Port) {
			t.Errorf("%s = %s, want the port of %s, %d", name, got, of, other.Port)
		}
	}
}

// What a Portfile.local removes is gone from all groups, and a group that is empty
// then from those that contain it.
func TestLocalRemovesFromGroups(t *testing.T) {
	dir := project(t, map[string]string{
		"Portfile": "[groups]\nmost = ['all', 'web']\nall = ['back', 'web']\nnone = ['back']\nback = ['api']\n[services]\napi = 'x'\nweb = 'x'\n",
		LocalName:  "[services]\napi = false\n",
	})
	f, err := Read(filepath.Join(dir, "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"most": "all, web", "all": "web"}, groupsOf(f)); diff != "" {
		t.Error(diff)
	}
}

// The Portfile.local of an included file removes the services of that file, not
// those of others with the same name.
func TestIncludedLocalRemoves(t *testing.T) {
	files := map[string]string{
		"Portfile":         "include = [{ path = 'a/Portfile', prefix = 'a-' }]\n[groups]\nown = ['api', 'db']\npart = ['a-api', 'a-b-api', 'a-web']\n[services]\napi = 'x'\ndb = 'x'\n",
		"a/Portfile":       "include = [{ path = 'b/Portfile', prefix = 'b-' }]\ngroups = { g = ['api', 'b-api', 'web', 'db'] }\n[services]\napi = 'x'\nweb = 'x'\n",
		"a/" + LocalName:   "services.api = false\n",
		"a/b/Portfile":     "groups = { g = ['api', 'db'] }\n[services]\napi = 'x'\ndb = 'x'\n",
		"a/b/" + LocalName: "services.api = false\n",
	}
	f, err := Read(filepath.Join(project(t, files), "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"own": "api, db", "part": "a-web", "a-g": "a-web, db", "a-b-g": "a-b-db"}, groupsOf(f)); diff != "" {
		t.Error(diff)
	}

	files["Portfile"] += "web = { command = 'x', depends_on = ['a-api'] }\n"
	files["a/Portfile"] += "worker = { command = 'x', depends_on = ['api', 'b-api'] }\n"
	t.Chdir(project(t, files))
	_, err = Read("Portfile", nil)
	local, below := filepath.Join("a", LocalName), filepath.Join("a", "b", LocalName)
	want := "Portfile:8:38: service \"web\" depends on \"a-api\", which is not a service (" + local + ":1 removes it: set depends_on of web in its Portfile.local, too)\n" +
		filepath.Join("a", "Portfile") + ":6:41: service \"a-worker\" depends on \"a-api\", which is not a service (" + local + ":1 removes it: set depends_on of worker there, too)\n" +
		filepath.Join("a", "Portfile") + ":6:48: service \"a-worker\" depends on \"a-b-api\", which is not a service (" + below + ":1 removes it: set depends_on of worker in its Portfile.local, too)"
	if diff := cmp.Diff(want, hinted(t, err)); diff != "" {
		t.Error(diff)
	}
}

// Files may use the same project by the same name; paths are relative to each.
func TestIncludedUses(t *testing.T) {
	files := map[string]string{
		"Portfile":   "include = ['a/Portfile', { path = 'b/Portfile', prefix = 'b-' }]\n[uses]\nbackend = '../backend'\n[services]\nweb = 'x'\n",
		"a/Portfile": "[uses]\nbackend = '../../backend/'\n[services]\na = 'x'\n",
		"b/Portfile": "[uses]\nbackend = '../../backend'\nsearch = '../search'\n[services]\nb = 'x'\n",
	}
	dir := project(t, files)
	f, err := Read(filepath.Join(dir, "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, u := range f.Uses {
		paths = append(paths, f.UsePath(u))
	}
	if diff := cmp.Diff([]string{filepath.Join(filepath.Dir(dir), "backend"), filepath.Join(dir, "search")}, paths); diff != "" {
		t.Error(diff)
	}

	files["b/Portfile"] = strings.Replace(files["b/Portfile"], "../../backend", "../backend", 1)
	t.Chdir(project(t, files))
	_, err = Read("Portfile", nil)
	if diff := cmp.Diff(filepath.Join("b", "Portfile")+`:2:1: uses "backend" is already declared at Portfile:3, for another project (rename one of them)`, hinted(t, err)); diff != "" {
		t.Error(diff)
	}
}

// The files of copy are relative to the file that names them, or to the one that
// its Portfile.local overrides.
func TestIncludedCopies(t *testing.T) {
	dir := project(t, map[string]string{
		"Portfile":       "include = ['a/Portfile', 'c/Portfile']\ncopy = ['root']\n[services]\nweb = 'x'\n",
		"a/Portfile":     "include = ['b/Portfile']\ncopy = ['a']\n[services]\na = 'x'\n",
		"a/" + LocalName: "copy = ['local']\n",
		"a/b/Portfile":   "copy = ['b']\n[services]\nb = 'x'\n",
		"c/Portfile":     "include = ['d/Portfile']\n[services]\nc = 'x'\n",
		"c/" + LocalName: "copy = ['local', 'x/y']\n",
		"c/d/Portfile":   "copy = ['d']\n[services]\nd = 'x'\n",
	})
	f, err := Read(filepath.Join(dir, "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := values(f.Copy), "root, a/local, a/b/b, c/local, c/x/y, c/d/d"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// groupsOf returns the members of each group.
func groupsOf(f File) map[string]string {
	groups := map[string]string{}
	for _, g := range f.Groups {
		groups[g.Name] = values(g.Members)
	}
	return groups
}

// A Portfile, a Portfile.local or an included file of another user is not read.
func TestForeignFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to others")
	}
	for _, foreign := range []string{LocalName, "a/Portfile", "a/" + LocalName} {
		t.Run(foreign, func(t *testing.T) {
			dir := project(t, map[string]string{
				"Portfile": "include = ['a/Portfile']\n[services]\nweb = 'x'\n", LocalName: "", "a/Portfile": "[services]\na = 'x'\n", "a/" + LocalName: "",
			})
			path := filepath.Join(dir, foreign)
			if err := errors.Join(os.Chmod(filepath.Dir(path), 0o777|os.ModeSticky), os.Chown(path, 2002, 2002)); err != nil {
				t.Fatal(err)
			}
			_, err := Read(filepath.Join(dir, "Portfile"), nil)
			if err == nil || !strings.Contains(err.Error(), path+": is not trusted: it belongs to ") {
				t.Errorf("%v", err)
			}
		})
	}
}

// Every problem of merged files names one of them, and a place in it; a merged
// project without problems resolves.
func FuzzMerged(f *testing.F) {
	f.Add("include = ['a/Portfile']\n[services]\nweb = 'x'\n", "[services]\nweb = false\nb = 'x'\n", "[env]\nA='1'\n[services.a]\ncommand='x'\ndepends_on=['a']\n")
	f.Add("include = [{ path = 'a/Portfile', prefix = 'p-' }]\ngroups = { g = ['web'] }\n[services]\nweb = 'x'\n", "[groups]\ng = []\n[setup]\ns = 'x'\n", "[setup]\ns = 'x'\n[services]\na = ['x']\n")
	f.Add("services = 1\n", "services = []\ninclude = ['a/P*']\n", "services.x = false")
	f.Fuzz(func(t *testing.T, main, local, included string) {
		files := map[string]string{"Portfile": main, LocalName: local, "a/Portfile": included}
		dir := project(t, files)
		t.Chdir(dir)
		file, err := Read("Portfile", nil)
		file.Explain("")
		if err == nil {
			file, err = file.ExpandReplicas(nil)
			if err == nil {
				_, err = file.Resolve(Context{})
			}
			for _, name := range file.names() {
				below := filepath.Join(file.Dir, "a")
				if short := file.Short(below, name); short != "" && file.ResolveNames(below, []string{short})[0] != name {
					t.Errorf("%s is typed %s, which means %s", name, short, file.ResolveNames(below, []string{short})[0])
				}
			}
		} else {
			err = file.Problems(Context{}, err)
		}
		var problems Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("%v is not Problems", err)
		}
		for _, p := range problems {
			text, known := files[filepath.ToSlash(p.File)]
			if !known && p.File == ".env" {
				continue
			}
			lines := strings.Split(text, "\n")
			if !known || p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len(lines[p.Line-1])+1 {
				t.Errorf("%v is in no file of %q", p, files)
			}
		}
	})
}

// portsOf gives every port a number.
func portsOf(f File) map[allocator.PortName]int {
	ports := map[allocator.PortName]int{}
	for i, w := range f.Ports() {
		ports[w.Name] = 20000 + i
	}
	return ports
}

// BenchmarkIncluded reads and resolves 40 included files with 5 services each,
// and one file with the same services.
func BenchmarkIncluded(b *testing.B) {
	files := map[string]string{".git/HEAD": ""}
	include, flat := "include = [", "[services]\n"
	for i := range 40 {
		var services strings.Builder
		for j := range 5 {
			fmt.Fprintf(&services, "[services.s%d]\ncommand = 'x --port $PORT'\nenv = { A = 'b' }\n", j)
			flat += fmt.Sprintf("[services.a%d-s%d]\ncommand = 'x --port $PORT'\nenv = { A = 'b' }\n", i, j)
		}
		files[fmt.Sprintf("a%d/Portfile", i)] = services.String()
		include += fmt.Sprintf("{ path = 'a%d/Portfile', prefix = 'a%d-' }, ", i, i)
	}
	files["Portfile"], files["flat"] = include+"]\n", flat
	dir := project(b, files)
	for _, name := range []string{"flat", "Portfile"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := Read(filepath.Join(dir, name), nil)
				if err == nil {
					f, err = f.ExpandReplicas(nil)
				}
				if err == nil {
					_, err = f.Resolve(Context{Environ: []string{"HOME=/h"}})
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
