package allocator

import "testing"

func mustParse(t testing.TB, s string) Set {
	t.Helper()
	if s == "" {
		return Set{}
	}
	set, err := ParseSet(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// locals are machines: the defaults of Linux, of macOS and Windows, and odd
// ones.
func locals(t testing.TB) map[string]Local {
	return map[string]Local{
		"linux":     {Ephemeral: mustParse(t, "32768-60999")},
		"rfc 6335":  fallback(),
		"reserved":  {Ephemeral: mustParse(t, "32768-60999"), Reserved: mustParse(t, "10000-10999,20000-20999,29000")},
		"from 1024": {Ephemeral: mustParse(t, "1024-65000")},
		"low":       {Ephemeral: mustParse(t, "10000-65535")},
		"none":      {},
	}
}

// No candidate of a pool that is not widened violates a rule, and no candidate
// at all is reserved or blocked by browsers.
func TestCandidatesKeepTheRules(t *testing.T) {
	for name, local := range locals(t) {
		for _, allow := range []string{"", "20000-29999", "5000-40000", "3000-3002", "1-65535"} {
			p := NewPool(mustParse(t, allow), local)
			_, cause := p.Widened()
			for rule, broken := range map[string]Set{
				"reserved":        local.Reserved,
				"browser-blocked": BrowserBlocked(),
			} {
				if bad := p.Candidates().Intersect(broken); !bad.Empty() {
					t.Errorf("%s, range %q: %v are %s", name, allow, bad, rule)
				}
			}
			if allow != "" {
				if bad := p.Candidates().Subtract(mustParse(t, allow)); !bad.Empty() {
					t.Errorf("%s, range %q: %v are outside of it", name, allow, bad)
				}
			}
			if cause != NoCause {
				continue
			}
			for rule, broken := range map[string]Set{
				"assigned":       Assigned(),
				"denied":         Denied(),
				"ephemeral":      local.Ephemeral,
				"not user ports": NewSet(userPorts).complement(),
			} {
				if bad := p.Candidates().Intersect(broken); !bad.Empty() {
					t.Errorf("%s, range %q: %v are %s", name, allow, bad, rule)
				}
			}
		}
	}
}

func TestDefaultCandidates(t *testing.T) {
	c := NewPool(Set{}, Local{}).Candidates()
	if n := c.Len(); n < 17500 || n > 18500 {
		t.Errorf("%d candidates, want about 18000", n)
	}
	if outside := c.Subtract(NewSet(DefaultRange)); !outside.Empty() {
		t.Errorf("%v are outside of the default range", outside)
	}
	for name, local := range locals(t) {
		if name == "linux" || name == "rfc 6335" {
			if got := NewPool(Set{}, local).Candidates(); !got.Equal(c) {
				t.Errorf("%s: other candidates than on other machines", name)
			}
		}
	}
}

func TestWidened(t *testing.T) {
	quietPorts := quiet()
	low := quietPorts.Intersect(NewSet(Range{1024, 9999}))
	tests := []struct {
		name       string
		allow      string
		local      Local
		left       int
		cause      Cause
		candidates Set
	}{
		{
			name: "default range", local: fallback(),
			left: quietPorts.Intersect(NewSet(DefaultRange)).Len(), candidates: quietPorts.Intersect(NewSet(DefaultRange)),
		}, {
			name: "default range is ephemeral", local: Local{Ephemeral: mustParse(t, "10000-65535")},
			cause: EphemeralPorts, candidates: low,
		}, {
			name: "everything is ephemeral", local: Local{Ephemeral: mustParse(t, "1024-65000"), Reserved: mustParse(t, "20000-20100")},
			cause: EphemeralPorts, candidates: quietPorts.Subtract(mustParse(t, "20000-20100")),
		}, {
			name: "small and good", allow: "23100-23104",
			left: 5, candidates: mustParse(t, "23100-23104"),
		}, {
			name: "small and assigned", allow: "3000-3002", local: fallback(),
			cause: SmallRange, candidates: mustParse(t, "3000-3002"),
		}, {
			name: "blocked by browsers", allow: "6000-6002", local: fallback(),
			cause: SmallRange, candidates: mustParse(t, "6001-6002"),
		}, {
			name: "partly ephemeral", allow: "33000-33199", local: Local{Ephemeral: mustParse(t, "33100-60999")},
			left: quietPorts.Intersect(mustParse(t, "33000-33099")).Len(), candidates: quietPorts.Intersect(mustParse(t, "33000-33099")),
		}, {
			name: "ephemeral", allow: "50000-50009", local: Local{Ephemeral: mustParse(t, "32768-60999")},
			cause: SmallRange, candidates: mustParse(t, "50000-50009"),
		}, {
			name: "denied", allow: "30000-30009", local: fallback(),
			cause: SmallRange, candidates: mustParse(t, "30000-30009"),
		}, {
			name: "reserved", allow: "23100-23104", local: Local{Reserved: mustParse(t, "23000-24000")},
			left: 5, candidates: mustParse(t, "23100-23104"),
		}, {
			name: "reserved in the ephemeral range", allow: "40000-40999",
			local: Local{Ephemeral: mustParse(t, "1024-65000"), Reserved: mustParse(t, "40100-40999")},
			left:  quietPorts.Intersect(mustParse(t, "40100-40999")).Len(), candidates: quietPorts.Intersect(mustParse(t, "40100-40999")),
		}, {
			name: "excluded", allow: "23100-23104", local: Local{Excluded: mustParse(t, "23000-24000")},
		}, {
			name: "default range is reserved and ephemeral", local: Local{Ephemeral: mustParse(t, "1024-65535"), Reserved: mustParse(t, "10000-32767")},
			cause: EphemeralPorts, candidates: quietPorts.Subtract(mustParse(t, "10000-32767")),
		}, {
			name: "default range is reserved", local: Local{Ephemeral: mustParse(t, "32768-60999"), Reserved: mustParse(t, "10000-32767")},
			cause: ReservedPorts, candidates: quietPorts.Intersect(mustParse(t, "1024-9999")),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := NewPool(mustParse(t, tt.allow), tt.local)
			left, cause := p.Widened()
			if left != tt.left || cause != tt.cause {
				t.Errorf("Widened is %d, %v; want %d, %v", left, cause, tt.left, tt.cause)
			}
			if !p.Candidates().Equal(tt.candidates) {
				t.Errorf("candidates %v, want %v", p.Candidates(), tt.candidates)
			}
		})
	}
}

func BenchmarkNewPool(b *testing.B) {
	local := fallback()
	for b.Loop() {
		NewPool(Set{}, local)
	}
}
