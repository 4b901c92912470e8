package watcher

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// step is an action of a user and the change it causes; "" for none, which the next
// step with a change verifies.
type step struct {
	name string
	do   func(t *testing.T, dir string)
	want string
}

func wr(path, want string) step {
	return step{"write " + path, func(t *testing.T, dir string) { write(t, dir, path) }, want}
}

func re(path, want string) step {
	return step{"replace " + path, func(t *testing.T, dir string) { replace(t, dir, path) }, want}
}

func rm(path, want string) step {
	return step{"remove " + path, func(t *testing.T, dir string) { remove(t, dir, path) }, want}
}

func mv(from, to, want string) step {
	return step{"rename " + from, func(t *testing.T, dir string) { rename(t, dir, from, to) }, want}
}

func put(path, text, want string) step {
	return step{"put " + path, func(t *testing.T, dir string) { files(t, dir, map[string]string{path: text}) }, want}
}

func save(path, text, want string) step {
	return step{"save " + path, func(t *testing.T, dir string) {
		files(t, dir, map[string]string{path + "~": text})
		rename(t, dir, path+"~", path)
	}, want}
}

// dangle creates a dangling link, on systems with links.
func dangle(t *testing.T, dir, path string) {
	if err := os.Symlink("user@host.1:2", filepath.Join(dir, path)); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
}

// TestChanges creates the files and watches the directory "root".
func TestChanges(t *testing.T) {
	code := sets{"api": "**/*.go !**/*_test.go"}
	for _, test := range []struct {
		name  string
		files string // existing files, separated by spaces
		sets  sets
		steps []step
	}{
		{"write, replace, remove", "main.go", code, []step{
			wr("root/main.go", "api:main.go"),
			re("root/main.go", "api:main.go"),
			rm("root/main.go", "api:main.go"),
			re("root/main.go", "api:main.go"),
			mv("root/main.go", "root/main.old", "api:main.go"),
			mv("root/main.old", "root/main.go", "api:main.go"),
		}},
		{"nothing relevant", "main.go main_test.go", code, []step{
			wr("root/main_test.go", ""),
			wr("root/README", ""),
			rm("root/README", ""),
			wr("root/x_test.go", ""),
			wr("root/new/x.txt", ""),
			mv("root/new", "root/old", ""),
			rm("root/old", ""),
			wr("beside/x.go", ""),
			wr("root/main.go", "api:main.go"),
		}},
		{"by-files of editors", "main.go", sets{"all": "**"}, []step{
			{"lock of Emacs", func(t *testing.T, dir string) { dangle(t, dir, "root/.#main.go") }, ""},
			{"test of Vim", func(t *testing.T, dir string) {
				write(t, dir, "root/4913")
				remove(t, dir, "root/4913")
			}, ""},
			wr("root/main.go", "all:main.go"),
			rm("root/.#main.go", ""),
			re("root/main.go", "all:main.go"),
			{"away and back", func(t *testing.T, dir string) {
				rename(t, dir, "root/main.go", "root/main.go~")
				write(t, dir, "root/main.go")
				remove(t, dir, "root/main.go~")
			}, "all:main.go"},
		}},
		{"chmod is none, touch is one", "main.go", code, []step{
			{"chmod", func(t *testing.T, dir string) { must(t, os.Chmod(filepath.Join(dir, "root/main.go"), 0o600)) }, ""},
			{"chmod of the folder", func(t *testing.T, dir string) { must(t, os.Chmod(filepath.Join(dir, "root"), 0o700)) }, ""},
			wr("root/x.go", "api:x.go"),
			{"touch", func(t *testing.T, dir string) {
				at := time.Now().Add(time.Hour)
				must(t, os.Chtimes(filepath.Join(dir, "root/main.go"), at, at))
			}, "api:main.go"},
		}},
		{"new folders with files at once", "main.go", code, []step{
			wr("root/a/b/c/x.go", "api:a/b/c/x.go"),
			wr("root/a/b/c/x.go", "api:a/b/c/x.go"),
			wr("root/a/y.go", "api:a/y.go"),
		}},
		{"folders removed and recreated", "a/b/x.go main.go", code, []step{
			rm("root/a", "api:a/b/x.go"),
			wr("root/a/b/x.go", "api:a/b/x.go"),
			re("root/a/b/x.go", "api:a/b/x.go"),
			mv("root/a", "away", "api:a/b/x.go"),
			wr("away/b/x.go", ""),
			wr("root/main.go", "api:main.go"),
			mv("away", "root/a", "api:a/b/x.go"),
			wr("root/a/b/x.go", "api:a/b/x.go"),
			{"to another folder and one of that name again", func(t *testing.T, dir string) {
				rename(t, dir, "root/a", "root/moved")
				write(t, dir, "root/a/b/x.go")
			}, "api:a/b/x.go(2)"},
			wr("root/moved/b/x.go", "api:moved/b/x.go"),
			wr("root/a/b/x.go", "api:a/b/x.go"),
			{"into a new folder", func(t *testing.T, dir string) {
				must(t, os.Mkdir(filepath.Join(dir, "root/p"), 0o777))
				rename(t, dir, "root/moved", "root/p/moved")
			}, "api:p/moved/b/x.go(2)|api:moved/b/x.go(2)"},
			wr("root/p/moved/b/x.go", "api:p/moved/b/x.go"),
			{"both removed", func(t *testing.T, dir string) {
				rename(t, dir, "root/p/moved", "root/gone")
				remove(t, dir, "root/gone")
			}, "api:p/moved/b/x.go|api:p/moved/b/x.go(2)"},
		}},
		{"a folder in place of a file, and back", "x.go", code, []step{
			{"folder", func(t *testing.T, dir string) {
				remove(t, dir, "root/x.go")
				write(t, dir, "root/x.go/y.go")
			}, "api:x.go(2)"},
			wr("root/x.go/y.go", "api:x.go/y.go"),
			{"file", func(t *testing.T, dir string) {
				remove(t, dir, "root/x.go")
				write(t, dir, "root/x.go")
			}, "api:x.go/y.go(2)"},
		}},
		{"several sets", "", sets{
			"api": "api/**/*.go shared/*", "web": "web/** shared/*", "all": "!**/*.txt", "none": "",
		}, []step{
			wr("root/api/x.go", "all:api/x.go api:api/x.go"),
			wr("root/web/x.txt", "web:web/x.txt"),
			wr("root/shared/x.go", "all:shared/x.go api:shared/x.go web:shared/x.go"),
			wr("root/x.txt", ""),
			wr("root/x", "all:x"),
		}},
		{"skipped folders", "node_modules/a/x.go .git/x.go", code, []step{
			wr("root/node_modules/a/x.go", ""),
			wr("root/.git/x.go", ""),
			wr("root/sub/node_modules/x.go", ""),
			wr("root/main.go", "api:main.go"),
		}},
		{"ignored", "main.go build/x.go", sets{"api": "**/*.go build/literal.go"}, []step{
			put("root/.gitignore", "build/\n*.gen.go\n", ""),
			wr("root/build/x.go", ""),
			wr("root/x.gen.go", ""),
			wr("root/main.go", "api:main.go"),
			wr("root/build/literal.go", "api:build/literal.go"),
			put("root/sub/.gitignore", "!*.gen.go\nx.go", ""),
			wr("root/sub/x.go", ""),
			wr("root/sub/y.gen.go", "api:sub/y.gen.go"),
			put("root/.gitignore", "", "api:build/x.go(2)"), // and x.gen.go: they are no longer ignored
			wr("root/build/x.go", "api:build/x.go"),
			wr("root/x.gen.go", "api:x.gen.go"),
			save("root/sub/.gitignore", "x.go\nz.go", ""),
			wr("root/sub/z.go", ""),
			wr("root/sub/main.go", "api:sub/main.go"),
			save("root/.gitignore", "main.go", ""),
			wr("root/sub/main.go", ""),
			wr("root/main.go", ""),
			wr("root/sub/y.go", "api:sub/y.go"),
			rm("root/.gitignore", "api:main.go(2)"),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files(t, dir, map[string]string{"root/": "", "beside/": ""})
			for path := range strings.FieldsSeq(test.files) {
				write(t, dir, "root/"+path)
			}
			w := watch(t, slow, filepath.Join(dir, "root"), test.sets)
			for _, step := range test.steps {
				t.Log(step.name)
				step.do(t, dir)
				if step.want != "" {
					expect(t, w, step.want)
				}
			}
		})
	}
}
