package control

import (
	"slices"
	"testing"
	"time"

	"github.com/devports/devports/launcher/output"
)

// FuzzLogQuery: a query survives encoding, and any query that the server
// accepts can be encoded again.
func FuzzLogQuery(f *testing.F) {
	for _, seed := range []string{
		"", "service=web&service=db&last=50", "last=-1&follow=true", "since=2026-11-21T10:00:00.123456789%2B01:00",
		"last=9223372036854775808", "last=+3", "last=x", "since=yesterday", "service=&service=a%26b%3D%00%ff", "since=0001-01-01T00:00:00Z",
		"since=0000-01-01T00:00:00%2B23:59", "follow=1", "last=1&last=2", ";", "%zz",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseLogQuery(text)
		if err != nil {
			return
		}
		again, err := parseLogQuery(q.values().Encode())
		if err != nil {
			t.Fatalf("%+v cannot be sent: %v", q, err)
		}
		if !slices.Equal(again.Services, q.Services) || again.Last != q.Last || !again.Since.Equal(q.Since) || again.Follow != q.Follow {
			t.Errorf("%+v, then %+v", q, again)
		}
		if q.Since.IsZero() && len(q.Services) == 0 && !q.wants(output.Line{Service: "web"}) {
			t.Errorf("%+v does not want everything", q)
		}
		for _, service := range q.Services {
			if line := (output.Line{Service: service, Time: q.Since}); !q.wants(line) {
				t.Errorf("%+v does not want %+v", q, line)
			}
			if line := (output.Line{Service: service, Time: q.Since.Add(-time.Nanosecond)}); q.wants(line) {
				t.Errorf("%+v wants %+v", q, line)
			}
		}
	})
}
