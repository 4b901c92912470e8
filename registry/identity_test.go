package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devports/devports/registry/checkout"
	"github.com/devports/devports/registry/internal/gittest"
)

// town is a directory with checkouts, and a registry of them.
type town struct {
	*testing.T
	dir      string
	registry Registry
	changes  []Change // of the last lease
}

func newTown(t *testing.T) *town {
	return &town{T: t, dir: gittest.TempDir(t), registry: scratch(t)}
}

func (t *town) path(name string) string { return filepath.Join(t.dir, filepath.FromSlash(name)) }

func (t *town) git(dir string, args ...string) {
	t.Helper()
	gittest.Run(t, t.path(dir), args...)
}

func (t *town) init(name string) {
	t.Helper()
	gittest.Init(t, t.dir, name)
}

func (t *town) move(from, to string) {
	t.Helper()
	from, to = t.path(from), t.path(to)
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(from, to)); err != nil {
		t.Fatal(err)
	}
}

// lease leases web, pinned to 3000, and api in a checkout.
func (t *town) lease(name, project string) (Scope, string) {
	t.Helper()
	t.changes = nil
	c := find(t.T, t.path(name), project)
	predicted, err := t.registry.Scope(c)
	if err != nil {
		t.Fatal(err)
	}
	scope, leases, err := t.registry.Lease(t.Context(), c, wantAll("api web=3000"), Options{
		Choose: upFrom(20000), Changed: func(c Change) { t.changes = append(t.changes, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if predicted != scope {
		t.Errorf("Scope returns %v, Lease %v", predicted, scope)
	}
	return scope, show(leases)
}

// is fails unless the checkout has this scope and these ports.
func (t *town) is(name, want, ports string) {
	t.Helper()
	t.declared(name, "", want, ports)
}

func (t *town) declared(name, project, want, ports string) {
	t.Helper()
	scope, got := t.lease(name, project)
	if scope.String() != want || got != ports {
		t.Errorf("%s is %s with %s, want %s with %s", name, scope, got, want, ports)
	}
	if changes := t.changes; len(changes) > 0 {
		if t.lease(name, project); len(t.changes) > 0 {
			t.Errorf("%s has changed again: %v", name, t.changes)
		}
		t.changes = changes
	}
	names := map[string]Scope{}
	for _, l := range all(t, t.registry) {
		if other, taken := names[l.Scope.Name()]; taken && other != l.Scope && !checkout.IsGone(other.Directory) && !checkout.IsGone(l.Scope.Directory) {
			t.Errorf("%v and %v both have the name %s", other, l.Scope, l.Scope.Name())
		}
		names[l.Scope.Name()] = l.Scope
	}
}

// changed fails unless the last lease reported these changes: the former scope,
// and the scope that already had the name.
func (t *town) changed(from, namesake string) {
	t.Helper()
	if from == "" && namesake == "" {
		if len(t.changes) > 0 {
			t.Errorf("changes: %v", t.changes)
		}
		return
	}
	if len(t.changes) != 1 || t.changes[0].From.Directory != t.path(from) && from != "" ||
		(from == "") != (t.changes[0].From == Scope{}) || t.changes[0].Namesake.Directory != t.path(namesake) && namesake != "" ||
		(namesake == "") != (t.changes[0].Namesake == Scope{}) {
		t.Errorf("changes: %v, want from %q, namesake %q", t.changes, from, namesake)
	}
}

// Two unrelated repositories with the same name are two projects: each has a
// main checkout, which keeps its pins.
func TestUnrelatedRepositories(t *testing.T) {
	town := newTown(t)
	for i, name := range []string{"one/api", "two/api", "three/api"} {
		town.init(name)
		if i > 0 { // the first has no remote
			town.git(name, "remote", "add", "origin", "https://example.org/"+name)
		}
	}
	town.is("one/api", "api", "api=20000 web=3000!")
	town.changed("", "")
	town.is("two/api", "api-2", "api=20001 web=3000!")
	town.changed("", "one/api")
	town.is("three/api", "api-3", "api=20002 web=3000!")
	town.git("two/api", "worktree", "add", "-q", "../api-fix")
	town.is("two/api-fix", "api-2 (fix)", "api=20003 web=20004")
	town.git("one/api", "worktree", "add", "-q", "../api-fix")
	town.is("one/api-fix", "api (fix)", "api=20005 web=20006")
	town.is("two/api", "api-2", "api=20001 web=3000!")
	town.changed("", "")
}

// Clones of one repository with the same name are one project, whatever the
// form of their remotes.
func TestClones(t *testing.T) {
	town := newTown(t)
	town.init("origin")
	town.git(".", "clone", "-q", "origin", "a/shop")
	town.git(".", "clone", "-q", "origin", "b/shop")
	town.git(".", "clone", "-q", "--depth=1", "file://"+filepath.ToSlash(town.path("origin")), "c/shallow")
	town.is("a/shop", "shop", "api=20000 web=3000!")
	town.is("b/shop", "shop (shop)", "api=20001 web=20002")
	town.changed("", "a/shop")
	town.declared("c/shallow", "shop", "shop (shallow)", "api=20003 web=20004")
	town.git(".", "clone", "-q", "b/shop", "d/shop") // a clone of a clone
	town.is("d/shop", "shop (shop-2)", "api=20005 web=20006")
	town.is("c/shallow", "shallow", "api=20003 web=3000!") // another name is another project

	// The clone may come first.
	town.init("x/tool")
	town.git(".", "clone", "-q", "x/tool", "y/tool")
	town.is("y/tool", "tool", "api=20004 web=3000!")
	town.is("x/tool", "tool (tool)", "api=20007 web=20008")

	// A fork has another remote, so it is another project.
	town.git("a/shop", "remote", "set-url", "origin", "git@example.org:acme/shop.git")
	town.git("b/shop", "remote", "set-url", "origin", "ssh://git@Example.org/acme/shop")
	town.git("d/shop", "remote", "set-url", "origin", "https://example.org/fork/shop")
	town.is("a/shop", "shop", "api=20000 web=3000!")
	town.is("b/shop", "shop (shop)", "api=20001 web=20002")
	town.is("d/shop", "shop-2", "api=20005 web=3000!")
	town.changed("", "a/shop")
	town.git("b/shop", "remote", "remove", "origin")
	town.is("b/shop", "shop-3", "api=20001 web=3000!")

	// The first one gets its own remote: then it is no longer in the others'
	// project.
	town.git(".", "clone", "-q", "origin", "e/store")
	town.git(".", "clone", "-q", "origin", "f/store")
	town.is("e/store", "store", "api=20002 web=3000!")
	town.is("f/store", "store (store)", "api=20006 web=20009")
	town.git("e/store", "remote", "set-url", "origin", "https://example.org/store")
	town.is("e/store", "store", "api=20002 web=3000!")
	town.is("f/store", "store-2", "api=20006 web=3000!")
}

// Two repositories from one starter share its history, but no remote.
func TestStarter(t *testing.T) {
	town := newTown(t)
	town.init("starter")
	for _, dir := range []string{"a/app", "b/app"} {
		town.git(".", "clone", "-q", "starter", dir)
		town.git(dir, "remote", "remove", "origin")
	}
	town.is("a/app", "app", "api=20000 web=3000!")
	town.is("b/app", "app-2", "api=20001 web=3000!")
	if err := os.CopyFS(town.path("c/app"), os.DirFS(town.path("a/app"))); err != nil { // like cp -r
		t.Fatal(err)
	}
	town.is("c/app", "app-3", "api=20002 web=3000!")
	if err := os.CopyFS(town.path("app-2"), os.DirFS(town.path("a/app"))); err != nil {
		t.Fatal(err)
	}
	town.is("app-2", "app-2-2", "api=20003 web=3000!")
	town.changed("", "b/app")
}

// Each project in a subdirectory of a repository is a project in all its
// worktrees.
func TestMonorepo(t *testing.T) {
	town := newTown(t)
	town.init("shop")
	for _, dir := range []string{"shop/x/server", "shop/y/server"} {
		gittest.Write(t, filepath.Join(town.path(dir), "Portfile"), "")
	}
	town.git("shop", "add", ".")
	town.git("shop", "commit", "-q", "-m", "servers")
	town.git("shop", "worktree", "add", "-q", "../fix")
	town.is("shop/x/server", "server", "api=20000 web=3000!")
	town.is("shop/y/server", "server-2", "api=20001 web=3000!")
	town.is("fix/y/server", "server-2 (fix)", "api=20002 web=20003")
	town.is("fix/x/server", "server (fix)", "api=20004 web=20005")
	town.move("shop", "store")
	town.is("store/y/server", "server-2", "api=20001 web=3000!")
	town.changed("shop/y/server", "")
	town.is("fix/y/server", "server-2 (fix)", "api=20002 web=20003")
}

// A directory that is moved inside its repository keeps its ports. Another one
// with its name does not get them while it exists in the repository.
func TestMovedInRepository(t *testing.T) {
	town := newTown(t)
	town.init("shop")
	for _, dir := range []string{"shop/apps/web", "shop/old/web"} {
		gittest.Write(t, filepath.Join(town.path(dir), "Portfile"), "")
	}
	town.is("shop/apps/web", "web", "api=20000 web=3000!")
	town.move("shop/apps/web", "shop/services/web")
	town.is("shop/services/web", "web", "api=20000 web=3000!")
	town.changed("shop/apps/web", "")
	town.move("shop", "store")
	town.is("store/old/web", "web", "api=20001 web=3000!")
	town.is("store/services/web", "web-2", "api=20000 web=3000!")
}

// A repository keeps its ports when its directory is renamed, and so do its
// worktrees, before and after git repairs them.
func TestRenamed(t *testing.T) {
	town := newTown(t)
	town.init("shop")
	town.git("shop", "worktree", "add", "-q", "../shop-fix")
	town.git("shop", "worktree", "add", "-q", "../tidy")
	town.is("shop", "shop", "api=20000 web=3000!")
	town.is("shop-fix", "shop (fix)", "api=20001 web=20002")
	town.is("tidy", "shop (tidy)", "api=20003 web=20004")
	town.move("shop", "store")
	town.is("shop-fix", "shop (fix)", "api=20001 web=20002")
	town.is("store", "store", "api=20000 web=3000!")
	town.changed("shop", "")
	town.is("shop-fix", "shop (fix)", "api=20001 web=20002")
	town.move("tidy", "neat")
	town.is("neat", "shop (tidy)", "api=20003 web=20004")
	town.changed("tidy", "")
	content := contentOf(t, town.registry.path)
	if scopes, places := strings.Count(content, `"directory"`), strings.Count(content, `"place"`); places != scopes {
		t.Errorf("%d of %d scopes have a place:\n%s", places, scopes, content)
	}
	town.git("store", "worktree", "repair", "../shop-fix", "../neat")
	town.is("shop-fix", "store (shop-fix)", "api=20001 web=20002")
	town.is("neat", "store (tidy)", "api=20003 web=20004")

	// Then another repository may have the path and the name.
	town.init("shop")
	town.is("shop", "shop", "api=20005 web=3000!")
	town.is("store", "store", "api=20000 web=3000!")

	// Outside git, the directory is recognised.
	gittest.Write(t, town.path("notes/Portfile"), "")
	town.is("notes", "notes", "api=20006 web=3000!")
	town.move("notes", "below/papers")
	town.is("below/papers", "papers", "api=20006 web=3000!")
	town.move("below", "above")
	town.is("above/papers", "papers", "api=20006 web=3000!")
	town.changed("below/papers", "")
}

// The main checkout of a bare repository that has moved keeps its pins before
// git repairs it.
func TestBareRenamed(t *testing.T) {
	town := newTown(t)
	town.init("seed")
	town.git(".", "clone", "-q", "--bare", "seed", "shop.git")
	town.git("shop.git", "worktree", "add", "-q", "../main", "trunk")
	town.git("shop.git", "worktree", "add", "-q", "../fix")
	town.is("main", "shop", "api=20000 web=3000!")
	town.is("fix", "shop (fix)", "api=20001 web=20002")
	town.move("shop.git", "store.git")
	town.is("main", "shop", "api=20000 web=3000!")
	town.is("fix", "shop (fix)", "api=20001 web=20002")
	town.git("store.git", "worktree", "repair", "../main", "../fix")
	town.is("fix", "store (fix)", "api=20001 web=20002")
	town.is("main", "store", "api=20000 web=3000!")
}

// A worktree and a project may have the same name.
func TestOneNameForAll(t *testing.T) {
	town := newTown(t)
	town.init("shop")
	town.init("shop-login")
	town.git("shop", "worktree", "add", "-q", "../login")
	town.is("login", "shop (login)", "api=20000 web=20001")
	town.is("shop-login", "shop-login-2", "api=20002 web=3000!")
	town.changed("", "login")
	town.init("my_app")
	town.init("my-app")
	town.is("my_app", "my_app", "api=20003 web=3000!")
	town.is("my-app", "my-app-2", "api=20004 web=3000!")

	other := newTown(t)
	other.init("shop")
	other.init("shop-login")
	other.is("shop-login", "shop-login", "api=20000 web=3000!")
	other.git("shop", "worktree", "add", "-q", "../login")
	other.is("login", "shop (login-2)", "api=20001 web=20002")
	other.changed("", "shop-login")

	// A project's name belongs to its main checkout, even if only others are
	// recorded.
	third := newTown(t)
	third.init("shop")
	third.init("shop-login")
	third.git("shop-login", "worktree", "add", "-q", "../shop-login-fix")
	third.git("shop", "worktree", "add", "-q", "../login")
	third.is("shop-login-fix", "shop-login (fix)", "api=20000 web=20001")
	third.is("login", "shop (login-2)", "api=20002 web=20003")
	third.is("shop-login", "shop-login", "api=20004 web=3000!")
}

// A repository returns after another one has got its name.
func TestNameIsTaken(t *testing.T) {
	town := newTown(t)
	for _, name := range []string{"one/api", "two/api"} {
		town.init(name)
		town.git(name, "remote", "add", "origin", "https://example.org/"+name)
	}
	town.is("one/api", "api", "api=20000 web=3000!")
	town.move("one/api", "aside/api")
	town.is("two/api", "api", "api=20001 web=3000!")
	town.changed("", "")
	town.is("aside/api", "api-2", "api=20000 web=3000!")
	town.changed("one/api", "two/api")
}

func TestName(t *testing.T) {
	for want, s := range map[string]Scope{
		"":                                  {},
		"shop":                              {"/x", "Shop", ""},
		"shop-feature-login":                {"/x", "shop", "feature/login"},
		"my-app":                            {"/x", "_my__app_", ""},
		"devports-project":                  {"/x", "devports", ""},
		"devports-fix":                      {"/x", "devports", "fix"},
		"caf-a82b50":                        {"/x", "café", ""},
		"project-9f26ee":                    {"/x", "日本", ""},
		strings.Repeat("a", 56) + "-d96f0f": {"/x", strings.Repeat("a", 64), ""},
		strings.Repeat("a", 63):             {"/x", strings.Repeat("a", 63), ""},
	} {
		if got := s.Name(); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
}

// Leases of an older devports are converted: no port of a main checkout
// changes, but pins may apply that did not before.
func TestOlderFile(t *testing.T) {
	town := newTown(t)
	for _, name := range []string{"one/api", "two/api"} {
		town.init(name)
		town.git(name, "worktree", "add", "-q", "../fix")
	}
	town.git(".", "clone", "-q", "one/api", "clone/api")
	town.init("lone/lib")
	lease := func(name string, port int, pinned string) string {
		return strings.NewReplacer("NAME", name, "PORT", string(rune('0'+port)), "PINNED", pinned).Replace(
			`{"name": "NAME", "port": 2000PORT, "since": "2026-08-17T10:00:00Z"}`)
	}
	scope := func(dir, worktree string, port int) string {
		return strings.NewReplacer("DIR", town.path(dir), "WT", worktree).Replace(`{"directory": "DIR", "project": "api", "worktree": "WT", "leases": [`) +
			lease("api", port, "") + ", " + lease("web", port+1, "") + "]}"
	}
	gittest.Write(t, town.registry.path, `{"version": 1, "scopes": [`+strings.Join([]string{
		strings.Replace(scope("one/api", "", 0), `"worktree": "", `, "", 1),
		scope("two/api", "api", 2), scope("two/fix", "fix", 4), scope("one/fix", "one-fix", 6), scope("clone/api", "api-2", 8), strings.NewReplacer(`"project": "api"`, `"project": "lib"`, "20000", "20100", "20001", "20101").Replace(scope("lone/lib", "lib", 0)),
	}, ", ")+"]}")
	before := show(all(t, town.registry))
	town.is("two/fix", "api-2 (fix)", "api=20004 web=20005")
	town.is("two/api", "api-2", "api=20002 web=3000!")
	town.changed("", "one/api")
	town.is("one/api", "api", "api=20000 web=3000!")
	town.changed("", "")
	town.is("one/fix", "api (one-fix)", "api=20006 web=20007")
	town.is("clone/api", "api (api-2)", "api=20008 web=20009")
	town.is("lone/lib", "lib", "api=20100 web=3000!")
	town.changed("", "")
	if content := contentOf(t, town.registry.path); !strings.Contains(content, `"version": 2`) {
		t.Errorf("written as\n%s", content)
	}
	if before == "" {
		t.Error("the old file was not read")
	}
}
