package watcher

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is the [Quiet] of the tests, long enough for an action on a busy machine.
const quiet = 50 * time.Millisecond

// watchFiles watches files until the end of the test.
func watchFiles(t *testing.T, quiet time.Duration, files ...string) *Watcher {
	t.Helper()
	w, err := newWatcher(quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	setFiles(t, w, files...)
	return w
}

func setFiles(t *testing.T, w *Watcher, files ...string) {
	t.Helper()
	if err := w.Watch(files); err != nil {
		t.Fatal(err)
	}
}

func changed(t *testing.T, w *Watcher, action string) {
	t.Helper()
	select {
	case <-w.Changes():
	case <-time.After(time.Minute):
		t.Fatalf("no change after: %s", action)
	}
}

// unchanged waits briefly: it may miss a change, but never reports a false one.
func unchanged(t *testing.T, w *Watcher, action string) {
	t.Helper()
	select {
	case <-w.Changes():
		t.Errorf("a change after: %s", action)
	case <-time.After(2*quiet + quiet/2):
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o666))
}

// replaceFile writes a file as editors do, by renaming a new one over it.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	writeFile(t, path+"~", text)
	must(t, os.Rename(path+"~", path))
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		if runtime.GOOS == "windows" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
}

// relink changes the target of a symbolic link with one rename.
func relink(t *testing.T, target, path string) {
	t.Helper()
	symlink(t, target, path+"~")
	must(t, os.Rename(path+"~", path))
}

// action is an action of a user.
type action struct {
	name   string
	do     func(t *testing.T, dir string)
	change bool // whether it changes a file
}

// TestFilesChanges watches proj/Portfile and proj/auth/.env below a directory.
func TestFilesChanges(t *testing.T) {
	join := filepath.Join
	for _, test := range []struct {
		name    string
		actions []action // the first creates the initial files
	}{
		{"write in place", []action{
			{name: "start", do: func(t *testing.T, dir string) { project(t, dir) }},
			{"write", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/Portfile"), "new") }, true},
			{"write again", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/Portfile"), "newer") }, true},
			{"write the other", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=2") }, true},
			{"append", func(t *testing.T, dir string) {
				f, err := os.OpenFile(join(dir, "proj/Portfile"), os.O_WRONLY|os.O_APPEND, 0)
				must(t, err)
				_, err = f.WriteString("more")
				must(t, err)
				must(t, f.Close())
			}, true},
			{"truncate", func(t *testing.T, dir string) { must(t, os.Truncate(join(dir, "proj/Portfile"), 0)) }, true},
		}},
		{"rename over", []action{
			{name: "start", do: func(t *testing.T, dir string) { project(t, dir) }},
			{"replace", func(t *testing.T, dir string) { replaceFile(t, join(dir, "proj/Portfile"), "new") }, true},
			{"replace again", func(t *testing.T, dir string) { replaceFile(t, join(dir, "proj/Portfile"), "newer") }, true},
			{"write in place", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/Portfile"), "x") }, true},
			{"back up first, as vim does", func(t *testing.T, dir string) {
				must(t, os.Rename(join(dir, "proj/Portfile"), join(dir, "proj/Portfile.bak")))
				writeFile(t, join(dir, "proj/Portfile"), "y")
			}, true},
			{"write the backup", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/Portfile.bak"), "z") }, false},
		}},
		{"remove and recreate", []action{
			{name: "start", do: func(t *testing.T, dir string) { project(t, dir) }},
			{"remove", func(t *testing.T, dir string) { must(t, os.Remove(join(dir, "proj/auth/.env"))) }, true},
			{"recreate", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=3") }, true},
			{"write", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=4") }, true},
		}},
		{"a file that does not exist yet", []action{
			{name: "start", do: func(t *testing.T, dir string) { must(t, os.MkdirAll(join(dir, "proj/auth"), 0o777)) }},
			{"create", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=1") }, true},
			{"write", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=2") }, true},
			{"create the other", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/Portfile"), "x") }, true},
		}},
		{"folders created later", []action{
			{name: "start", do: func(*testing.T, string) {}},
			{"another folder", func(t *testing.T, dir string) { must(t, os.Mkdir(join(dir, "project"), 0o777)) }, false},
			{"a folder above", func(t *testing.T, dir string) { must(t, os.Mkdir(join(dir, "proj"), 0o777)) }, true},
			{"the folder", func(t *testing.T, dir string) { must(t, os.Mkdir(join(dir, "proj/auth"), 0o777)) }, true},
			{"the file", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=1") }, true},
			{"the other file", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/Portfile"), "x") }, true},
		}},
		{"a file in the way of a folder", []action{
			{name: "start", do: func(t *testing.T, dir string) { writeFile(t, join(dir, "proj"), "no folder") }},
			{"remove it", func(t *testing.T, dir string) { must(t, os.Remove(join(dir, "proj"))) }, true},
			{"everything at once", project, true},
			{"write", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=2") }, true},
		}},
		{"a folder removed and recreated", []action{
			{name: "start", do: func(t *testing.T, dir string) { project(t, dir) }},
			{"remove it", func(t *testing.T, dir string) { must(t, os.RemoveAll(join(dir, "proj/auth"))) }, true},
			{"recreate it", func(t *testing.T, dir string) { must(t, os.Mkdir(join(dir, "proj/auth"), 0o777)) }, true},
			{"the file", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=1") }, true},
			{"remove all", func(t *testing.T, dir string) { must(t, os.RemoveAll(join(dir, "proj"))) }, true},
			{"recreate all", project, true},
			{"write", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=2") }, true},
			{"both at once, as git does", func(t *testing.T, dir string) {
				must(t, os.RemoveAll(join(dir, "proj/auth")))
				project(t, dir)
			}, true},
			{"write", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=3") }, true},
		}},
		{"a folder moved away", []action{
			{name: "start", do: func(t *testing.T, dir string) { project(t, dir) }},
			{"move", func(t *testing.T, dir string) { must(t, os.Rename(join(dir, "proj/auth"), join(dir, "proj/old"))) }, true},
			{"write where it is now", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/old/.env"), "A=2") }, false},
			{"another in its place", project, true},
			{"write where it was", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/old/.env"), "A=3") }, false},
			{"write", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env"), "A=4") }, true},
		}},
		{"unrelated", []action{
			{name: "start", do: func(t *testing.T, dir string) { project(t, dir) }},
			{"a new file", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/Portfile.swp"), "x") }, false},
			{"renamed", func(t *testing.T, dir string) {
				must(t, os.Rename(join(dir, "proj/Portfile.swp"), join(dir, "proj/x")))
			}, false},
			{"removed", func(t *testing.T, dir string) { must(t, os.Remove(join(dir, "proj/x"))) }, false},
			{"a folder", func(t *testing.T, dir string) { must(t, os.Mkdir(join(dir, "proj/aut"), 0o777)) }, false},
			{"a file beside .env", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/auth/.env.local"), "x") }, false},
			{"read", func(t *testing.T, dir string) {
				_, err := os.ReadFile(join(dir, "proj/Portfile"))
				must(t, err)
			}, false},
			{"chmod", func(t *testing.T, dir string) { must(t, os.Chmod(join(dir, "proj/Portfile"), 0o444)) }, false},
			{"chmod of the folder", func(t *testing.T, dir string) { must(t, os.Chmod(join(dir, "proj/auth"), 0o700)) }, false},
			{"at last a change", func(t *testing.T, dir string) { replaceFile(t, join(dir, "proj/Portfile"), "new") }, true},
		}},
		{"a link to a file", []action{
			{name: "start", do: func(t *testing.T, dir string) {
				project(t, dir)
				must(t, os.Mkdir(join(dir, "shared"), 0o777))
				writeFile(t, join(dir, "shared/a"), "A=1")
				writeFile(t, join(dir, "shared/b"), "A=2")
				must(t, os.Remove(join(dir, "proj/auth/.env")))
				symlink(t, join("..", "..", "shared", "link"), join(dir, "proj/auth/.env"))
				symlink(t, join(dir, "shared/a"), join(dir, "shared/link"))
			}},
			{"write the target", func(t *testing.T, dir string) { writeFile(t, join(dir, "shared/a"), "A=3") }, true},
			{"replace the target", func(t *testing.T, dir string) { replaceFile(t, join(dir, "shared/a"), "A=4") }, true},
			{"write another", func(t *testing.T, dir string) { writeFile(t, join(dir, "shared/b"), "A=5") }, false},
			{"point the link on the path to it", func(t *testing.T, dir string) { relink(t, "b", join(dir, "shared/link")) }, true},
			{"write it", func(t *testing.T, dir string) { writeFile(t, join(dir, "shared/b"), "A=6") }, true},
			{"write the former target", func(t *testing.T, dir string) { writeFile(t, join(dir, "shared/a"), "A=7") }, false},
			{"restore the first link", func(t *testing.T, dir string) {
				relink(t, join(dir, "shared/a"), join(dir, "proj/auth/.env"))
			}, true},
			{"write the target", func(t *testing.T, dir string) { writeFile(t, join(dir, "shared/a"), "A=8") }, true},
			{"remove the target", func(t *testing.T, dir string) { must(t, os.Remove(join(dir, "shared/a"))) }, true},
			{"recreate it", func(t *testing.T, dir string) { writeFile(t, join(dir, "shared/a"), "A=9") }, true},
			{"a file in the place of the link", func(t *testing.T, dir string) { replaceFile(t, join(dir, "proj/auth/.env"), "A=1") }, true},
			{"write the former target", func(t *testing.T, dir string) { writeFile(t, join(dir, "shared/a"), "A=7") }, false},
		}},
		{"a link to a folder", []action{
			{name: "start", do: func(t *testing.T, dir string) {
				must(t, os.MkdirAll(join(dir, "v1"), 0o777))
				must(t, os.MkdirAll(join(dir, "v2/auth"), 0o777))
				symlink(t, "v1", join(dir, "proj"))
			}},
			{"create", func(t *testing.T, dir string) { writeFile(t, join(dir, "v1/Portfile"), "x") }, true},
			{"create through the link", func(t *testing.T, dir string) {
				must(t, os.Mkdir(join(dir, "proj/auth"), 0o777))
				writeFile(t, join(dir, "proj/auth/.env"), "A=1")
			}, true},
			{"change its target", func(t *testing.T, dir string) { relink(t, "v2", join(dir, "proj")) }, true},
			{"create there", func(t *testing.T, dir string) { writeFile(t, join(dir, "v2/auth/.env"), "A=1") }, true},
			{"write where it was", func(t *testing.T, dir string) { writeFile(t, join(dir, "v1/auth/.env"), "A=2") }, false},
			{"make it dangle", func(t *testing.T, dir string) { relink(t, "v3", join(dir, "proj")) }, true},
			{"create its target", func(t *testing.T, dir string) { must(t, os.Mkdir(join(dir, "v3"), 0o777)) }, true},
			{"create", func(t *testing.T, dir string) { writeFile(t, join(dir, "v3/Portfile"), "x") }, true},
		}},
		{"a link to itself", []action{
			{name: "start", do: func(t *testing.T, dir string) {
				must(t, os.Mkdir(join(dir, "proj"), 0o777))
				symlink(t, "Portfile", join(dir, "proj/Portfile"))
			}},
			{"a file in its place", func(t *testing.T, dir string) { replaceFile(t, join(dir, "proj/Portfile"), "x") }, true},
			{"write", func(t *testing.T, dir string) { writeFile(t, join(dir, "proj/Portfile"), "y") }, true},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test.actions[0].do(t, dir)
			w := watchFiles(t, quiet, join(dir, "proj", "Portfile"), join(dir, "proj", "auth", ".env"))
			for i, a := range test.actions[1:] {
				if !a.change && test.actions[i].change {
					settle(w, 2*quiet) // the last change may have been sent twice
				}
				a.do(t, dir)
				if a.change {
					changed(t, w, a.name)
				} else if i+2 == len(test.actions) || test.actions[i+2].change {
					unchanged(t, w, a.name) // and the actions before
				}
			}
		})
	}
}

// project creates proj/Portfile and proj/auth/.env.
func project(t *testing.T, dir string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "proj", "auth"), 0o777))
	writeFile(t, filepath.Join(dir, "proj", "Portfile"), "")
	writeFile(t, filepath.Join(dir, "proj", "auth", ".env"), "A=1")
}

func TestFilesBurstIsOneChange(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "Portfile")
	w := watchFiles(t, 10*quiet, file) // longer than a pause in the burst on a busy machine
	for range 100 {
		writeFile(t, file, "a")
		replaceFile(t, file, "b")
		must(t, os.Remove(file))
	}
	changed(t, w, "burst")
	select {
	case <-w.Changes():
		t.Error("two changes for one burst")
	case <-time.After(11 * quiet):
	}
}

// Every change after Watch has returned is reported.
func TestWatchReturnsWhenWatching(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := watchFiles(t, quickly)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		file := filepath.Join(dir, name, "Portfile")
		must(t, os.Mkdir(filepath.Dir(file), 0o777))
		setFiles(t, w, file)
		writeFile(t, file, "")
		changed(t, w, name)
	}
}

func TestWatchReplacesTheSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a", "Portfile"), filepath.Join(dir, "b", "Portfile")
	must(t, os.Mkdir(filepath.Dir(a), 0o777))
	must(t, os.Mkdir(filepath.Dir(b), 0o777))
	w := watchFiles(t, quiet, a)
	unchanged(t, w, "nothing")
	writeFile(t, b, "")
	unchanged(t, w, "a file that is not in the set yet")
	setFiles(t, w, b)
	writeFile(t, a, "")
	unchanged(t, w, "a file that is not in the set any more")
	replaceFile(t, b, "")
	changed(t, w, "a file added to the set")
	setFiles(t, w)
	replaceFile(t, a, "")
	replaceFile(t, b, "")
	unchanged(t, w, "no set")
	if directories := w.notify.WatchList(); len(directories) > 0 {
		t.Errorf("still watched: %q", directories)
	}
	setFiles(t, w, a, b)
	replaceFile(t, a, "")
	changed(t, w, "one of both")
	replaceFile(t, b, "")
	changed(t, w, "the other")
}

func TestWatchErrors(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() == 0 {
		t.Skip("needs a directory that cannot be watched")
	}
	t.Parallel()
	dir := t.TempDir()
	hidden := filepath.Join(dir, "hidden")
	must(t, os.Mkdir(hidden, 0o333))
	w := watchFiles(t, quiet)
	err := w.Watch([]string{filepath.Join(hidden, ".env"), filepath.Join(dir, "Portfile")})
	var failed *fs.PathError
	if !errors.As(err, &failed) || failed.Path != hidden || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error is %v", err)
	}
	writeFile(t, filepath.Join(dir, "Portfile"), "")
	changed(t, w, "write in a folder that can be watched")
}

// Directories that are created and removed quickly one after another are all
// followed.
func TestDirectoriesComeAndGoFast(t *testing.T) {
	t.Parallel()
	for range 12 {
		dir := t.TempDir()
		file := filepath.Join(dir, "a", "b", "c", "d", ".env")
		w := watchFiles(t, quickly, file)
		for range 3 {
			must(t, os.MkdirAll(filepath.Dir(file), 0o777))
			settle(w, 5*quickly)
			writeFile(t, file, "")
			changed(t, w, "the file in new folders")
			must(t, os.RemoveAll(filepath.Join(dir, "a")))
			settle(w, 5*quickly)
		}
		must(t, w.Close())
	}
}

// quickly is quiet for tests that accept several values for one change.
const quickly = time.Millisecond

// settle waits until nothing has been sent for some time. A value that is sent
// later may be taken for the next change of the test, but hides none.
func settle(w *Watcher, pause time.Duration) {
	for {
		select {
		case <-w.Changes():
		case <-time.After(pause):
			return
		}
	}
}

// After any sequence of operations the next change is reported.
func TestFilesRandomOperations(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 25 {
		dir := t.TempDir()
		in := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
		file := in("a/b/.env")
		w := watchFiles(t, quickly, file, in("Portfile"))
		things := []func(){
			func() { _ = os.MkdirAll(in("a/b"), 0o777) },
			func() { _ = os.RemoveAll(in("a")) },
			func() { _ = os.RemoveAll(in("a/b")) },
			func() { _ = os.Rename(in("a/b"), in("a/c")) },
			func() { _ = os.Rename(in("a/c"), in("a/b")) },
			func() { _ = os.RemoveAll(in("a/c")) },
			func() { _ = os.Symlink("c", in("a/b")) },
			func() { _ = os.MkdirAll(in("x/b"), 0o777) },
			func() { _ = os.Symlink("x", in("a")) },
			func() { _ = os.WriteFile(in("a/b"), nil, 0o666) },
			func() { _ = os.WriteFile(file, nil, 0o666) },
			func() { _ = os.Remove(file) },
			func() { _ = os.Symlink("../../x/env", file) },
			func() { _ = os.WriteFile(in("x/env"), nil, 0o666) },
			func() { runtime.Gosched() },
		}
		for range 1 + random.IntN(30) {
			things[random.IntN(len(things))]()
		}
		settle(w, 5*quickly)
		if os.MkdirAll(filepath.Dir(file), 0o777) != nil { // a file or a link is in the way
			must(t, os.RemoveAll(in("a")))
			must(t, os.MkdirAll(filepath.Dir(file), 0o777))
		}
		_ = os.Remove(file) // it may be a dangling link
		settle(w, 5*quickly)
		writeFile(t, file, "at last")
		changed(t, w, "at last")
		must(t, w.Close())
	}
}

func TestLostEventsAreAChange(t *testing.T) {
	t.Parallel()
	w := watchFiles(t, quiet, filepath.Join(t.TempDir(), "Portfile"))
	w.notify.Errors <- fsnotify.ErrEventOverflow
	changed(t, w, "overflow")
}

func TestAffectedBy(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths are of Unix")
	}
	f := watchSet{paths: []string{"/srv/shop/Portfile", "/srv/shop/auth/.env", "/srv/shop/apps/*/sub/Portfile"}}
	for _, test := range []struct {
		name string
		op   fsnotify.Op
		want bool
	}{
		{"/srv/shop/Portfile", fsnotify.Write, true},
		{"/srv/shop/Portfile", fsnotify.Create, true},
		{"/srv/shop/Portfile", fsnotify.Remove, true},
		{"/srv/shop/Portfile", fsnotify.Rename, true},
		{"/srv/shop/Portfile", fsnotify.Chmod, false},
		{"/srv/shop/Portfile", fsnotify.Chmod | fsnotify.Write, true},
		{"/srv/shop/Portfil", fsnotify.Create, false},
		{"/srv/shop/Portfile~", fsnotify.Create, false},
		{"/srv/shop/auth", fsnotify.Create, true},
		{"/srv/shop/auth", fsnotify.Remove, true},
		{"/srv/shop/auth", fsnotify.Rename, true},
		{"/srv/shop/auth", fsnotify.Write, false}, // on Windows: something in it has changed
		{"/srv/shop/au", fsnotify.Create, false},
		{"//srv", fsnotify.Create, true}, // fsnotify's name when it watches the root directory
		{"//usr", fsnotify.Create, false},
		{"/", fsnotify.Create, true},
		{"/srv/shop/apps/new", fsnotify.Create, true},
		{"/srv/shop/apps/new", fsnotify.Write, false},
		{"/srv/shop/apps/new/sub", fsnotify.Create, true},
		{"/srv/shop/apps/new/other", fsnotify.Create, false},
		{"/srv/shop/apps/new/sub/Portfile", fsnotify.Create, true},
		{"/srv/shop/apps/new/sub/Portfile/x", fsnotify.Create, false},
		{"/srv/shop/other", fsnotify.Create, false},
	} {
		if got := f.affectedBy(event{Name: test.name, Op: test.op}); got != test.want {
			t.Errorf("%s of %q: %v", test.op, test.name, got)
		}
	}
}

func TestResolve(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	in := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	must(t, os.MkdirAll(in("real/sub"), 0o777))
	symlink(t, "real", in("rel"))
	symlink(t, in("rel/sub"), in("abs"))
	symlink(t, "../../abs/missing", in("real/sub/file"))
	symlink(t, "loop", in("loop"))
	for _, test := range []struct {
		file string
		want []string
	}{
		{"plain", []string{"plain"}},
		{"real/sub/x", []string{"real/sub/x"}},
		{"no/such/x", []string{"no/such/x"}},
		{"rel/x", []string{"rel", "real/x"}},
		{"abs/x", []string{"abs", "rel", "real/sub/x"}},
		{"abs/no/x", []string{"abs", "rel", "real/sub/no/x"}},
		{"rel/sub/file", []string{"rel", "real/sub/file", "abs", "rel", "real/sub/missing"}},
	} {
		var want []string
		for _, path := range test.want {
			want = append(want, in(path))
		}
		if got := resolve(in(test.file)); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", test.file, got, want)
		}
	}
	if got := resolve(in("loop/x")); len(got) != maxLinks+1 {
		t.Errorf("loop: %q", got)
	}
}

// Close stops everything at any moment, and may be called twice.
func TestFilesClose(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 10 {
		file := filepath.Join(t.TempDir(), "Portfile")
		w, err := newWatcher(time.Duration(i) * 100 * time.Microsecond)
		must(t, err)
		setFiles(t, w, file)
		writeFile(t, file, "")
		if i%2 == 0 {
			changed(t, w, "write")
		}
		writeFile(t, file, "again")
		go w.Watch([]string{file + "2"})
		must(t, w.Close())
		must(t, w.Close())
		if err := w.Watch([]string{file}); !errors.Is(err, fsnotify.ErrClosed) {
			t.Errorf("Watch after Close: %v", err)
		}
		select {
		case <-w.Changes():
			t.Error("a change after Close")
		default:
		}
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}
