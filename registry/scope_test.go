package registry

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// absolute is a directory that need not exist.
func absolute(name string) string {
	path, err := filepath.Abs(filepath.FromSlash("/home/" + name))
	if err != nil {
		panic(err)
	}
	return path
}

func checkout(directory, project, worktree string) Checkout {
	return Checkout{Directory: absolute(directory), Project: project, Worktree: worktree, clone: filepath.Base(filepath.FromSlash(directory))}
}

func (c Checkout) overriddenBy(label string, inherited bool) Checkout {
	c.override, c.inherited = label, inherited
	return c
}

func TestPlace(t *testing.T) {
	shop := checkout("shop", "shop", "")
	clone := checkout("copies/shop2", "shop", "")
	for name, tt := range map[string]struct {
		known []Checkout // leased in before, one after another
		gone  string     // directories that are no more by then
		ask   Checkout
		want  string // project and worktree
		ports string // of the name "web"; those before have 20000, 20001 …
	}{
		"new":                     {nil, "", shop, "shop/", "20000"},
		"known":                   {[]Checkout{shop}, "", shop, "shop/", "20000"},
		"user-wide":               {[]Checkout{shop, {}}, "", Checkout{}, "/", "20001"},
		"worktree":                {[]Checkout{shop}, "", checkout("shop-f", "shop", "f"), "shop/f", "20001"},
		"became a worktree":       {[]Checkout{shop}, "", checkout("shop", "shop", "f"), "shop/f", "20000"},
		"renamed to override":     {[]Checkout{checkout("d", "store", "shop-x"), checkout("d", "store", "shop-x").overriddenBy("x", false)}, "", checkout("d", "shop", "x"), "shop/x", "20000"},
		"renamed":                 {[]Checkout{shop}, "", checkout("shop", "store", ""), "store/", "20000"},
		"renamed to another's":    {[]Checkout{shop, checkout("store", "store", "")}, "", checkout("shop", "store", ""), "store/shop", "20000"},
		"second clone":            {[]Checkout{shop}, "", clone, "shop/shop2", "20001"},
		"known second clone":      {[]Checkout{shop, clone}, "", clone, "shop/shop2", "20001"},
		"first clone after":       {[]Checkout{shop, clone}, "", shop, "shop/", "20000"},
		"copy of the same name":   {[]Checkout{shop}, "", checkout("copies/shop", "shop", ""), "shop/shop", "20001"},
		"third":                   {[]Checkout{shop, clone}, "", checkout("more/shop2", "shop", ""), "shop/shop2-2", "20002"},
		"fourth":                  {[]Checkout{shop, clone, checkout("more/shop2", "shop", "")}, "", checkout("x/shop2", "shop", ""), "shop/shop2-3", "20003"},
		"clone's worktree":        {[]Checkout{checkout("shop-f", "shop", "f")}, "", checkout("s2-f", "shop", "f"), "shop/s2-f", "20001"},
		"moved":                   {[]Checkout{shop}, "shop", checkout("work/shop", "shop", ""), "shop/", "20000"},
		"moved clone":             {[]Checkout{shop, clone}, "copies/shop2", checkout("work/shop2", "shop", ""), "shop/shop2", "20001"},
		"clone of a dead one":     {[]Checkout{shop, clone}, "shop", clone, "shop/shop2", "20001"},
		"new one of that name":    {[]Checkout{shop, checkout("shop-f", "shop", "f")}, "shop-f", checkout("f2", "shop", "f"), "shop/f", "20001"},
		"moved under a new name":  {[]Checkout{shop}, "shop", checkout("store", "store", ""), "store/", "20001"},
		"renamed, dead namesake":  {[]Checkout{shop, checkout("store", "store", "")}, "store", checkout("shop", "store", ""), "store/", "20000"},
		"override":                {[]Checkout{shop}, "", shop.overriddenBy("x", false), "shop/x", "20001"},
		"known override":          {[]Checkout{shop, shop.overriddenBy("x", false)}, "", shop.overriddenBy("x", false), "shop/x", "20001"},
		"two overrides":           {[]Checkout{shop, shop.overriddenBy("x", false)}, "", shop.overriddenBy("y", false), "shop/y", "20002"},
		"override only":           {[]Checkout{shop.overriddenBy("x", false)}, "", shop, "shop/", "20001"},
		"without the override":    {[]Checkout{shop, shop.overriddenBy("x", false)}, "", shop, "shop/", "20000"},
		"override of git's label": {[]Checkout{feature}, "", feature.overriddenBy("feature", false), "shop/feature", "20000"},
		"override of the clone's": {[]Checkout{shop, clone}, "", clone.overriddenBy("shop2", false), "shop/shop2", "20001"},
		"override in two places":  {[]Checkout{shop, shop.overriddenBy("x", false), clone}, "", clone.overriddenBy("x", false), "shop/x", "20003"},
		"override moved":          {[]Checkout{shop.overriddenBy("x", false)}, "shop", checkout("s", "shop", "").overriddenBy("x", false), "shop/x", "20000"},
		"override renamed":        {[]Checkout{shop.overriddenBy("x", false)}, "", checkout("shop", "store", "").overriddenBy("x", false), "store/x", "20000"},
		"inherited":               {[]Checkout{shop}, "", shop.overriddenBy("x", true), "shop/", "20000"},
		"inherited and known":     {[]Checkout{shop, shop.overriddenBy("x", false)}, "", shop.overriddenBy("x", true), "shop/x", "20001"},
		"inherited from another":  {[]Checkout{shop, clone.overriddenBy("x", false)}, "", shop.overriddenBy("x", true), "shop/", "20000"},
		"worktree named like it":  {[]Checkout{shop.overriddenBy("f", false)}, "", checkout("shop-f", "shop", "f"), "shop/shop-f", "20001"},
	} {
		t.Run(name, func(t *testing.T) {
			var s state
			for _, c := range tt.known {
				var err error
				if s, _, err = do(s, c, "web", ""); err != nil {
					t.Fatal(err)
				}
			}
			gone := func(dir string) bool {
				return slices.ContainsFunc(strings.Fields(tt.gone), func(g string) bool { return absolute(g) == dir })
			}
			p := s.plan(tt.ask, wantAll("web"), nil, gone)
			next, leases, err := p.carryOut(upFrom(20000), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			l := leases[0]
			if got := l.Scope.Project + "/" + l.Scope.Worktree; got != tt.want || show(leases) != "web="+tt.ports || l.Scope.Directory != tt.ask.Directory {
				t.Errorf("%s %s in %s, want %s %s", got, show(leases), l.Scope.Directory, tt.want, tt.ports)
			}
			if again := next.plan(tt.ask, wantAll("web"), nil, gone); !again.settled() || again.record.Scope != l.Scope {
				t.Errorf("asked again it is %v", again.record.Scope)
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
