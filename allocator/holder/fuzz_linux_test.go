package holder

import (
	"slices"
	"testing"
)

func FuzzTable(f *testing.F) {
	f.Add("sl\n 0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 1000 0 4711 1\n")
	f.Add("sl\n 0: 0000000000000000FFFF00000100007F:1F92 0:0 01 0:0 0:0 0 0 0 4713\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseTable(text, func(int) bool { return true })
		even, evenErr := parseTable(text, func(port int) bool { return port%2 == 0 })
		if (err == nil) != (evenErr == nil) {
			t.Fatalf("%v, but of some ports %v", err, evenErr)
		}
		want := slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.port%2 != 0 })
		if !slices.Equal(even, want) {
			t.Errorf("%v, want %v", even, want)
		}
		for _, e := range all {
			if e.port < 0 || e.port > 65535 || !e.addr.IsValid() {
				t.Errorf("%+v", e)
			}
		}
	})
}
