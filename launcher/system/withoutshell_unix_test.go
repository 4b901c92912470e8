//go:build unix

package system

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A program gets the same environment, directory and arguments as from dash.
func TestWithoutShell(t *testing.T) {
	if !shellIsDash() {
		t.Skip("/bin/sh is no dash")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, link := filepath.Join(root, "dir"), filepath.Join(root, "link")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("dir", link); err != nil {
		t.Fatal(err)
	}
	show := "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\" \"$(pwd)\" \"$(pwd -P)\"; tr '\\0' '\\n' </proc/$$/environ | sort\n"
	if err := os.WriteFile(filepath.Join(dir, "show"), []byte(show), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(path string, argv []string, in string, env []string) string {
		cmd := exec.Cmd{Path: path, Args: argv, Dir: in, Env: env}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v", argv, err)
		}
		return string(out)
	}
	for _, test := range []struct {
		line, dir string
		env       []string
		shell     bool // it is needed
	}{
		{"./show a 'b c' $X", dir, nil, false},
		{"./show", link, nil, false},
		{"./show", link, []string{"PWD=" + link}, false},
		{"./show", dir, []string{"PWD=/usr", "OLDPWD=/x", "PS1=q", "_=y", "ENV=/none"}, false},
		{"./show", dir, []string{"PWD=dir"}, false},
		{"show", dir, []string{"PATH=" + dir + ":/usr/bin:/bin"}, false},
		{"show", dir, []string{"PATH=:/usr/bin:/bin"}, true},
		{"./show", dir, []string{"a.b=1", "BASH_FUNC_x%%=() { :; }", "1X=2", "Y="}, false},

		{"show", dir, nil, true}, // there is no such program
		{"./show", dir, []string{"IFS=x"}, true},
		{"./show", dir, []string{"OPTIND=3"}, true},
		{"show", dir, []string{"PATH=" + dir + "%func:/bin"}, true},
		{"./show $Z", dir, nil, true},
		{"./show; ./show", dir, nil, true},
		{"./show >out", dir, nil, true},
	} {
		env := append([]string{"X=of-it"}, test.env...)
		if _, set := lookup(env, "PATH"); !set {
			env = append(env, "PATH=/usr/bin:/bin")
		}
		path, argv, direct, ok := withoutShell(test.line, test.dir, env, nil)
		if ok == test.shell {
			t.Errorf("%s with %q: without a shell: %t", test.line, test.env, ok)
		}
		if !ok {
			continue
		}
		// exec.Cmd would set PWD.
		want := run("/bin/sh", []string{"/bin/sh", "-c", "cd -P " + test.dir + "; exec env -i " + quoted(env) + " /bin/sh -c 'exec " + strings.ReplaceAll(test.line, "'", `'\''`) + "'"}, "", nil)
		got := run("/bin/sh", []string{"/bin/sh", "-c", "cd -P " + test.dir + "; exec env -i " + quoted(direct) + " " + path + " " + quoted(argv[1:])}, "", nil)
		if got != want {
			t.Errorf("%s in %s with %q:\n%s\nfrom dash:\n%s", test.line, test.dir, test.env, got, want)
		}
	}
}

func quoted(words []string) string {
	words = slices.Clone(words)
	for i, w := range words {
		words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

// With 200 services, each has 600 variables.
func BenchmarkWithoutShell(b *testing.B) {
	if !shellIsDash() {
		b.Skip("/bin/sh is no dash")
	}
	env := []string{"PATH=/usr/bin:/bin"}
	for i := range 600 {
		env = append(env, fmt.Sprintf("PORT_SERVICE_%d=%d", i, 20000+i))
	}
	var list []string
	for b.Loop() {
		_, _, list, _ = withoutShell("sleep 1000", "/", env, list[:0])
	}
}
