package shell

import (
	"fmt"
	"testing"
)

func TestPrograms(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"npm run dev", "[{npm  [run dev]}]"},
		{"cd web && A=1 npm run dev", "[{npm web [run dev]}]"},
		{"cd web; cd app; exec vite --port $PORT", "[{vite web/app [--port ]}]"},
		{"f() { a; }; f; echo x | b & c", "[{a  []} {b  []} {c  []}]"},
		{"$X run; ./dev.sh", "[{./dev.sh  []}]"},
		{"a 'never closed", "[]"},
	} {
		if got := fmt.Sprint(Programs(test.line)); got != test.want {
			t.Errorf("%q: %s, want %s", test.line, got, test.want)
		}
	}
}

func TestReferences(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"a $B ${C} \"$D\"", "[{B 2} {C 5} {D 11}]"},
		{"a '$B' \\$C $$ $1 ${D:-x} ${E#y} ${#F}", "[]"},
		{"B=1; a $B; for c in x; do a $c; done", "[]"},
		{"read b; export c; a $b $c", "[]"},
		{"a $(b $C)", "[{C 6}]"},
		{": ${B:=1} ${C=2}; a $B $C", "[]"},
		{". ./vars.sh; a $B", "[]"},
		{"set -a && source vars && a $B", "[]"},
		{"eval \"$(direnv export bash)\"; a $B", "[]"},
		{"test -n \"$B\" && a $C", "[{C 18}]"},
		{"[ -z \"$B\" ] || a $B", "[]"},
	} {
		if got := fmt.Sprint(References(test.line)); got != test.want {
			t.Errorf("%q: %s, want %s", test.line, got, test.want)
		}
	}
}
