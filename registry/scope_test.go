package registry

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/registry/checkout"
)

// absolute returns the path of a directory that need not exist.
func absolute(name string) string {
	path, err := filepath.Abs(filepath.FromSlash("/home/" + name))
	if err != nil {
		panic(err)
	}
	return path
}

// checkedOut returns a checkout of the project's repository, or of a clone of
// it.
func checkedOut(directory, project, worktree string) checkout.Checkout {
	return checkout.Checkout{
		Directory: absolute(directory), Project: project, Worktree: worktree, Root: filepath.Base(filepath.FromSlash(directory)),
		Remote: "example.org/" + project,
	}
}

// unrelated returns a checkout of another repository than checkedOut.
func unrelated(directory, project, worktree string) checkout.Checkout {
	c := checkedOut(directory, project, worktree)
	c.Remote = "example.org/other-" + project
	return c
}

// identified returns a checkout with the name of its directory and an ID.
func identified(c checkout.Checkout, id string) checkout.Checkout {
	c.ID, c.Unnamed = id, true
	return c
}

func overridden(c checkout.Checkout, label string, inherited bool) checkout.Checkout {
	c.Override, c.Inherited = label, inherited
	return c
}

func TestPlace(t *testing.T) {
	shop := checkedOut("shop", "shop", "")
	clone := checkedOut("copies/shop2", "shop", "")
	for name, tt := range map[string]struct {
		known []checkout.Checkout // checkouts with leases, in order
		gone  string              // directories that are gone
		ask   checkout.Checkout
		want  string // project and worktree
		ports string // of the name "web"; the earlier ones are 20000, 20001 …
	}{
		"new":                     {nil, "", shop, "shop/", "20000"},
		"known":                   {[]checkout.Checkout{shop}, "", shop, "shop/", "20000"},
		"user-wide":               {[]checkout.Checkout{shop, {}}, "", checkout.Checkout{}, "/", "20001"},
		"worktree":                {[]checkout.Checkout{shop}, "", checkedOut("shop-f", "shop", "f"), "shop/f", "20001"},
		"became a worktree":       {[]checkout.Checkout{shop}, "", checkedOut("shop", "shop", "f"), "shop/f", "20000"},
		"renamed to override":     {[]checkout.Checkout{checkedOut("d", "store", "shop-x"), overridden(checkedOut("d", "store", "shop-x"), "x", false)}, "", checkedOut("d", "shop", "x"), "shop/x", "20000"},
		"renamed":                 {[]checkout.Checkout{shop}, "", checkedOut("shop", "store", ""), "store/", "20000"},
		"renamed to another's":    {[]checkout.Checkout{shop, checkedOut("store", "store", "")}, "", checkedOut("shop", "store", ""), "store/shop", "20000"},
		"second clone":            {[]checkout.Checkout{shop}, "", clone, "shop/shop2", "20001"},
		"known second clone":      {[]checkout.Checkout{shop, clone}, "", clone, "shop/shop2", "20001"},
		"first clone after":       {[]checkout.Checkout{shop, clone}, "", shop, "shop/", "20000"},
		"copy of the same name":   {[]checkout.Checkout{shop}, "", checkedOut("copies/shop", "shop", ""), "shop/shop", "20001"},
		"third":                   {[]checkout.Checkout{shop, clone}, "", checkedOut("more/shop2", "shop", ""), "shop/shop2-2", "20002"},
		"fourth":                  {[]checkout.Checkout{shop, clone, checkedOut("more/shop2", "shop", "")}, "", checkedOut("x/shop2", "shop", ""), "shop/shop2-3", "20003"},
		"clone's worktree":        {[]checkout.Checkout{checkedOut("shop-f", "shop", "f")}, "", checkedOut("s2-f", "shop", "f"), "shop/s2-f", "20001"},
		"moved":                   {[]checkout.Checkout{shop}, "shop", checkedOut("work/shop", "shop", ""), "shop/", "20000"},
		"moved clone":             {[]checkout.Checkout{shop, clone}, "copies/shop2", checkedOut("work/shop2", "shop", ""), "shop/shop2", "20001"},
		"clone of a dead one":     {[]checkout.Checkout{shop, clone}, "shop", clone, "shop/shop2", "20001"},
		"new one of that name":    {[]checkout.Checkout{shop, checkedOut("shop-f", "shop", "f")}, "shop-f", checkedOut("f2", "shop", "f"), "shop/f", "20001"},
		"moved under a new name":  {[]checkout.Checkout{shop}, "shop", checkedOut("store", "store", ""), "store/", "20001"},
		"renamed, dead namesake":  {[]checkout.Checkout{shop, checkedOut("store", "store", "")}, "store", checkedOut("shop", "store", ""), "store/", "20000"},
		"unrelated":               {[]checkout.Checkout{shop}, "", unrelated("x/shop", "shop", ""), "shop-2/", "20001"},
		"unrelated to a clone":    {[]checkout.Checkout{shop, clone}, "shop", unrelated("shop3", "shop", ""), "shop-2/", "20002"},
		"unrelated to a dead one": {[]checkout.Checkout{shop}, "shop", unrelated("x/shop", "shop", ""), "shop/", "20001"},
		"its worktree":            {[]checkout.Checkout{shop, unrelated("x/shop", "shop", "")}, "", unrelated("x/f", "shop", "f"), "shop-2/f", "20002"},
		"override of unrelated":   {[]checkout.Checkout{shop}, "", overridden(unrelated("x/shop", "shop", ""), "x", false), "shop-2/x", "20001"},
		"in other letters":        {[]checkout.Checkout{identified(shop, "1")}, "", identified(checkedOut("SHOP", "SHOP", ""), "1"), "shop/", "20000"},
		"moved and renamed":       {[]checkout.Checkout{identified(shop, "1")}, "shop", identified(checkedOut("store", "store", ""), "1"), "store/", "20000"},
		"another in its place":    {[]checkout.Checkout{identified(shop, "1")}, "", identified(unrelated("shop", "shop", ""), "2"), "shop/", "20000"},
		"not gone":                {[]checkout.Checkout{identified(shop, "1")}, "", identified(checkedOut("store", "store", ""), "1"), "store/", "20001"},
		"override":                {[]checkout.Checkout{shop}, "", overridden(shop, "x", false), "shop/x", "20001"},
		"known override":          {[]checkout.Checkout{shop, overridden(shop, "x", false)}, "", overridden(shop, "x", false), "shop/x", "20001"},
		"two overrides":           {[]checkout.Checkout{shop, overridden(shop, "x", false)}, "", overridden(shop, "y", false), "shop/y", "20002"},
		"override only":           {[]checkout.Checkout{overridden(shop, "x", false)}, "", shop, "shop/", "20001"},
		"without the override":    {[]checkout.Checkout{shop, overridden(shop, "x", false)}, "", shop, "shop/", "20000"},
		"override of git's label": {[]checkout.Checkout{feature}, "", overridden(feature, "feature", false), "shop/feature", "20000"},
		"override of the clone's": {[]checkout.Checkout{shop, clone}, "", overridden(clone, "shop2", false), "shop/shop2", "20001"},
		"override in two places":  {[]checkout.Checkout{shop, overridden(shop, "x", false), clone}, "", overridden(clone, "x", false), "shop/x-2", "20003"},
		"override moved":          {[]checkout.Checkout{overridden(shop, "x", false)}, "shop", overridden(checkedOut("s", "shop", ""), "x", false), "shop/x", "20000"},
		"override renamed":        {[]checkout.Checkout{overridden(shop, "x", false)}, "", overridden(checkedOut("shop", "store", ""), "x", false), "store/x", "20000"},
		"inherited":               {[]checkout.Checkout{shop}, "", overridden(shop, "x", true), "shop/", "20000"},
		"inherited and known":     {[]checkout.Checkout{shop, overridden(shop, "x", false)}, "", overridden(shop, "x", true), "shop/x", "20001"},
		"inherited from another":  {[]checkout.Checkout{shop, overridden(clone, "x", false)}, "", overridden(shop, "x", true), "shop/", "20000"},
		"worktree named like it":  {[]checkout.Checkout{overridden(shop, "f", false)}, "", checkedOut("shop-f", "shop", "f"), "shop/shop-f", "20001"},
	} {
		t.Run(name, func(t *testing.T) {
			var s state
			for _, c := range tt.known {
				var err error
				if s, _, err = do(s, c, "web", ""); err != nil {
					t.Fatal(err)
				}
			}
			gone := seeing(func(dir string) bool {
				return slices.ContainsFunc(strings.Fields(tt.gone), func(g string) bool { return absolute(g) == dir })
			})
			p := s.plan(tt.ask, wantAll("web"), Options{}, gone)
			next, leases, err := p.carryOut(upFrom(20000), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			l := leases[0]
			if got := l.Scope.Project + "/" + l.Scope.Worktree; got != tt.want || show(leases) != "web="+tt.ports || !strings.EqualFold(l.Scope.Directory, tt.ask.Directory) {
				t.Errorf("%s %s in %s, want %s %s", got, show(leases), l.Scope.Directory, tt.want, tt.ports)
			}
			if again := next.plan(tt.ask, wantAll("web"), Options{}, gone); !again.settled() || again.record.Scope != l.Scope {
				t.Errorf("the next time it is %v", again.record.Scope)
			}
			if _, err := decode(encode(next)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestScopeString(t *testing.T) {
	for s, want := range map[Scope]string{
		{}:                       "user-wide",
		{"/shop", "shop", ""}:    "shop",
		{"/shop-f", "shop", "f"}: "shop (f)",
	} {
		if s.String() != want || s.UserWide() != (want == "user-wide") || s.Main() == strings.Contains(want, "(") {
			t.Errorf("%#v: %s %v %v", s, s, s.UserWide(), s.Main())
		}
	}
}
