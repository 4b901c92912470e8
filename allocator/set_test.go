package allocator

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// model is the plain set that Set is compared with: one entry for each port.
type model [maxPort + 1]bool

func (m *model) ports() []int {
	var ports []int
	for port, in := range m {
		if in {
			ports = append(ports, port)
		}
	}
	return ports
}

// randomSet returns a set and its model. Its ranges are many or few, long or
// short, overlapping, adjacent, out of bounds and empty.
func randomSet(r *rand.Rand) (Set, *model) {
	m := new(model)
	length := 1 + r.IntN(1<<r.IntN(15))
	var ranges []Range
	for range r.IntN(60) {
		first := r.IntN(maxPort+200) - 100
		if len(ranges) > 0 && r.IntN(4) == 0 {
			first = ranges[len(ranges)-1].Last + 1
		}
		last := first + r.IntN(length) - 1
		ranges = append(ranges, Range{first, last})
		for port := max(first, 0); port <= min(last, maxPort); port++ {
			m[port] = true
		}
	}
	return NewSet(ranges...), m
}

func newRand(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestAlgebra(t *testing.T) {
	r := newRand(t)
	for range 20 {
		s, ms := randomSet(r)
		u, mu := randomSet(r)
		combine := func(in func(a, b bool) bool) *model {
			m := new(model)
			for port := range m {
				m[port] = in(ms[port], mu[port])
			}
			return m
		}
		compare(t, "set", s, ms)
		compare(t, "union", s.Union(u), combine(func(a, b bool) bool { return a || b }))
		compare(t, "intersection", s.Intersect(u), combine(func(a, b bool) bool { return a && b }))
		compare(t, "difference", s.Subtract(u), combine(func(a, b bool) bool { return a && !b }))
		compare(t, "complement", s.complement(), combine(func(a, _ bool) bool { return !a }))
		if t.Failed() {
			t.Fatalf("s = %v\nu = %v", s, u)
		}
	}
}

// compare compares a Set with the model.
func compare(t *testing.T, what string, s Set, m *model) {
	t.Helper()
	want := m.ports()
	if got := slices.Collect(s.All()); !slices.Equal(got, want) {
		t.Errorf("%s: All is %v, want %v", what, s, NewSet(rangesOf(want)...))
	}
	if s.Len() != len(want) || s.Empty() != (len(want) == 0) {
		t.Errorf("%s: Len %d, Empty %t, want %d ports", what, s.Len(), s.Empty(), len(want))
	}
	if diff := cmp.Diff(rangesOf(want), s.Ranges()); diff != "" {
		t.Errorf("%s: Ranges are not the fewest in order (-want +got):\n%s", what, diff)
	}
	for port := range m {
		if s.Contains(port) != m[port] {
			t.Errorf("%s: Contains(%d) is %t", what, port, s.Contains(port))
			return
		}
	}
	for i := 0; i < len(want); i += 1 + len(want)/50 {
		if got := s.At(i); got != want[i] {
			t.Errorf("%s: At(%d) is %d, want %d", what, i, got, want[i])
		}
	}
	if again, err := parseSet(s.String(), 0); !s.Empty() && (err != nil || !again.Equal(s)) {
		t.Errorf("%s: %q parses to %v, %v", what, s, again, err)
	}
}

// rangesOf returns the runs in ports, which are sorted.
func rangesOf(ports []int) []Range {
	var ranges []Range
	for _, port := range ports {
		if n := len(ranges); n > 0 && ranges[n-1].Last == port-1 {
			ranges[n-1].Last = port
			continue
		}
		ranges = append(ranges, Range{port, port})
	}
	return ranges
}

func TestAllStops(t *testing.T) {
	for port := range NewSet(Range{5, 9}).All() {
		if port != 5 {
			t.Fatalf("continued to %d", port)
		}
		break
	}
}

func TestAtOutOfBounds(t *testing.T) {
	for _, i := range []int{-1, 5} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("At(%d) of 5 ports did not panic", i)
				}
			}()
			NewSet(Range{5, 9}).At(i)
		}()
	}
}

func TestRangesIsACopy(t *testing.T) {
	s := NewSet(Range{5, 9})
	s.Ranges()[0].First = 1
	if s.Contains(1) {
		t.Error("a change of the result of Ranges changed the set")
	}
}

func TestRuns(t *testing.T) {
	tests := []struct {
		set               string
		minLength, border int
		want              string
	}{
		{"10-15,100-200,220-245,300-330,440-495", 27, 3, "103-197,303-327,443-492"}, // port-for's own example
		{"10-35", 27, 3, ""},
		{"10-36", 27, 3, "13-33"},
		{"10-15", 1, 3, ""},
		{"10-16", 1, 3, "13"},
		{"10,12-13", 2, 0, "12-13"},
	}
	for _, tt := range tests {
		s, err := ParseSet(tt.set)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Runs(tt.minLength, tt.border).String(); got != tt.want {
			t.Errorf("%s: Runs(%d, %d) is %q, want %q", tt.set, tt.minLength, tt.border, got, tt.want)
		}
	}
}

func TestParseSet(t *testing.T) {
	tests := []struct{ in, want, err string }{
		{in: "20000-29999", want: "20000-29999"},
		{in: "3000,4000-4100", want: "3000,4000-4100"},
		{in: " 4000 - 4100 , 3000 ", want: "3000,4000-4100"},
		{in: "1-65535", want: "1-65535"},
		{in: "7-7", want: "7"},
		{in: "5-9,8-20,21", want: "5-21"},
		{in: "007", err: `invalid port range "007": "007" must be written as 7 (want PORT`},
		{in: "3000-0xFFF", err: `"0xFFF" must be written as 4095`},
		{in: "", err: `invalid port range "": it is empty`},
		{in: "3000,,4000", err: `invalid port range "": it is empty`},
		{in: "3000,", err: `it is empty`},
		{in: "abc", err: `invalid port range "abc": "abc" is not a number (want PORT or FIRST-LAST, 1 to 65535, separated by commas)`},
		{in: "3000,4x-5", err: `invalid port range "4x-5": "4x" is not a number`},
		{in: "3000-", err: `"" is not a number`},
		{in: "-3000", err: `"" is not a number`},
		{in: "1-2-3", err: `"2-3" is not a number`},
		{in: "+5", err: `"+5" must be written as 5`},
		{in: "0", err: "0 is out of range"},
		{in: "0-10", err: "0 is out of range"},
		{in: "65536", err: "65536 is out of range"},
		{in: "1-99999999999999999999", err: "99999999999999999999 is out of range"},
		{in: "4100-4000", err: "4100 is more than 4000"},
	}
	for _, tt := range tests {
		got, err := ParseSet(tt.in)
		switch {
		case tt.err == "" && (err != nil || got.String() != tt.want):
			t.Errorf("ParseSet(%q) is %q, %v; want %q", tt.in, got, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("ParseSet(%q): error %v, want %q", tt.in, err, tt.err)
		}
	}
}

func TestParsePort(t *testing.T) {
	for in, want := range map[string]int{"1": 1, "3000": 3000, "65535": 65535} {
		if got, err := ParsePort(in); got != want || err != nil {
			t.Errorf("ParsePort(%q) is %d, %v", in, got, err)
		}
	}
	const rule = ": a port is a decimal number from 1 to 65535"
	for in, want := range map[string]string{
		"":                     `"" is not a number`,
		"0":                    `0 is out of range`,
		"65536":                `65536 is out of range`,
		"99999999999999999999": `99999999999999999999 is out of range`,
		"00":                   `"00" is not a number`,
		"010000":               `"010000" must be written as 10000`,
		"0xffff":               `"0xffff" must be written as 65535`,
		"0o20000":              `"0o20000" must be written as 8192`,
		"0b1010":               `"0b1010" must be written as 10`,
		"10_000":               `"10_000" must be written as 10000`,
		"+3000":                `"+3000" must be written as 3000`,
		"-3000":                `"-3000" is not a number`,
		" 3000":                `" 3000" must be written as 3000`,
		"3000\n":               `"3000\n" must be written as 3000`,
		"070000":               `"070000" is not a number`,
		"3e3":                  `"3e3" is not a number`,
		"3000.0":               `"3000.0" is not a number`,
		"٣٠٠٠":                 `"٣٠٠٠" is not a number`,
	} {
		if got, err := ParsePort(in); err == nil || err.Error() != want+rule || got != 0 {
			t.Errorf("ParsePort(%q) is %d, %v; want %s", in, got, err, want)
		}
	}
}

func FuzzParseSet(f *testing.F) {
	f.Add("20000-29999")
	f.Add("3000, 4000-4100")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSet(text)
		if err != nil {
			return
		}
		again, err := ParseSet(s.String())
		if err != nil || !again.Equal(s) {
			t.Errorf("%q is %q, which is %q, %v", text, s, again, err)
		}
		if s.Empty() || s.Contains(0) {
			t.Errorf("%q is %q", text, s)
		}
	})
}
