package procfile

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkCheck parses and resolves a Portfile. The time per service should
// not grow with the number of services.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{50, 500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("[env]\nURL = \"http://localhost:${PORT_S0}\"\n[services]\ns0 = \"x\"\n")
			for i := range n - 1 {
				fmt.Fprintf(&text, "s%d = { command = \"x --port $PORT\", depends_on = [\"s0\"] }\n", i+1)
			}
			b.ReportAllocs()
			for b.Loop() {
				f, err := Parse("Portfile", []byte(text.String()))
				if err != nil {
					b.Fatal(err)
				}
				f.Dir = b.TempDir()
				if f, err = f.ExpandReplicas(nil); err != nil {
					b.Fatal(err)
				}
				if _, err := f.Resolve(Context{Environ: []string{"HOME=/h"}}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/service")
		})
	}
}
