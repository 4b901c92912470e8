package allocator

import (
	"slices"
	"testing"
)

func TestPortName(t *testing.T) {
	sorted := []PortName{{"a", ""}, {"a", "b"}, {"a", "c"}, {"a-Web_2", ""}, {"a.b c", "é"}, {"b", ""}}
	if !slices.IsSortedFunc(sorted, PortName.Compare) {
		t.Error("not in order")
	}
	for i, want := range []string{"PORT_A", "PORT_A_B", "PORT_A_C", "PORT_A_WEB_2", "PORT_A_B_C__", "PORT_B"} {
		if got := sorted[i].Variable(); got != want {
			t.Errorf("%+v: %s, want %s", sorted[i], got, want)
		}
	}
	for i, want := range []string{"a", "a:b"} {
		if got := sorted[i].String(); got != want {
			t.Errorf("%+v: %q, want %q", sorted[i], got, want)
		}
	}
}
