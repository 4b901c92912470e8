package registry

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

// claims parses "auth=1234 db=5432".
func claims(list string) (claims []Claim) {
	for _, w := range wantAll(list) {
		claims = append(claims, Claim{Name: w.Name, Port: w.Pin})
	}
	return claims
}

func take(t *testing.T, r Registry, list string) string {
	t.Helper()
	done, err := r.Import(t.Context(), claims(list))
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"taken:", show(done.Taken), "already:", show(done.Already), "refused:"}
	for _, f := range done.Refused {
		words = append(words, fmt.Sprintf("%s=%d<%s@%v", f.Name, f.Port, show([]Lease{f.Lease}), f.Lease.Scope))
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func TestImport(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "same=1000 mine=1001 pinned=1002 auth")
	put(t, r, mainCheckout, "db=5432 web")
	put(t, r, other, "pg=5432 same=1000")
	for _, tt := range []struct{ list, want string }{
		{"", "taken: already: refused:"},
		{
			"z=2000 a=2001 auth=20000 same=1000 mine=4000 web=20001 new=5432 z=2000 z=2002 y=2000 same=20001",
			"taken: z=2000 a=2001 already: auth=20000 same=1000! z=2000 refused: mine=4000<mine=1001!@user-wide " +
				"web=20001<web=20001@shop new=5432<db=5432!@shop z=2002<z=2000@user-wide y=2000<z=2000@user-wide same=20001<same=1000!@user-wide",
		},
	} {
		before := show(all(t, r))
		got := take(t, r, tt.list)
		if got != tt.want {
			t.Errorf("import %s\n%s, want\n%s", tt.list, got, tt.want)
		}
		if tt.list == "" && show(all(t, r)) != before {
			t.Errorf("leases: %s", show(all(t, r)))
		}
	}
	want := "a=2001 auth=20000 mine=1001! pinned=1002! same=1000! z=2000 pg=5432! same=1000! db=5432! web=20001"
	if got := show(all(t, r)); got != want {
		t.Errorf("leases: %s", got)
	}

	// A second import writes nothing and takes no lock.
	before := stat(t, r.path)
	if err := os.Remove(r.path + ".lock"); err != nil {
		t.Fatal(err)
	}
	if got := take(t, r, "z=2000 a=2001 y=2000"); got != "taken: already: z=2000 a=2001 refused: y=2000<z=2000@user-wide" {
		t.Errorf("again: %s", got)
	}
	if !os.SameFile(before, stat(t, r.path)) {
		t.Error("the file was written")
	}
	if _, err := os.Stat(r.path + ".lock"); err == nil {
		t.Error("the lock was taken")
	}

	// The imported names keep their ports.
	if _, leases := put(t, r, checkout.Checkout{}, "a z"); show(leases) != "a=2001 z=2000" {
		t.Errorf("leased: %s", show(leases))
	}
	var conflict *ConflictError
	if _, _, err := r.Lease(t.Context(), mainCheckout, wantAll("x=2000"), Options{}); !errors.As(err, &conflict) {
		t.Errorf("pinned elsewhere: %v", err)
	}
}

func TestImportRefuses(t *testing.T) {
	r := scratch(t)
	for _, bad := range []Claim{{Name: allocator.PortName{}, Port: 1}, {Name: allocator.PortName{Service: "a\n"}, Port: 1}, {Name: allocator.PortName{Service: "a"}}, {Name: allocator.PortName{Service: "a"}, Port: 1 << 16}} {
		if _, err := r.Import(t.Context(), []Claim{{Name: allocator.PortName{Service: "ok"}, Port: 80}, bad}); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if _, err := os.Stat(r.path); err == nil {
		t.Error("the file was written")
	}
}

// TestImportFiles imports whole files and exports them again.
func TestImportFiles(t *testing.T) {
	for format, content := range map[Format]string{
		PortFor: "[DEFAULT]\nfoo = 23029\nbar = 23030\n\n",
		Plut:    `{"foo": 23029, "bar": 23030}`,
		PlutRC:  "export PLUT_FOO=23029\nexport PLUT_BAR=23030\n",
	} {
		r := scratch(t)
		f := ParseForeign([]byte(content))
		done, err := r.Import(t.Context(), f.Claims)
		if f.Format != format || err != nil || show(done.Taken) != "foo=23029 bar=23030" {
			t.Errorf("%s: %v %v %v", format, f, done, err)
		}
		for _, f := range []Format{PortFor, Plut} {
			again, err := r.Import(t.Context(), ParseForeign([]byte(exported(f, all(t, r)))).Claims)
			if err != nil || len(again.Already) != 2 || len(again.Taken)+len(again.Refused) > 0 {
				t.Errorf("%s by %s: %v %v", format, f, again, err)
			}
		}
	}
}
