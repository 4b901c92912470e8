package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/registry/checkout"
	"github.com/devports/devports/registry/internal/gittest"
)

const (
	damagedHead = "{\n  \"version\": 1,\n  \"scopes\": [\n    {\"leases\": [\n"
	damagedTail = "\n    ]}\n  ]\n}\n"
)

// line returns the line of a lease from the given year in the file.
func line(name, port, year string) string {
	return `      {"name": "` + name + `", "port": ` + port + `, "since": "` + year + `-08-17T10:00:00Z"}`
}

// repairing repairs a registry with this content and this previous version (""
// for none), and checks that the old content is kept.
func repairing(t *testing.T, content, before string) Repaired {
	t.Helper()
	r := scratch(t)
	gittest.Write(t, r.path, content)
	if before != "" {
		gittest.Write(t, r.path+".bak", before)
	}
	done, err := r.Repair(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := contentOf(t, done.Aside); got != content {
		t.Errorf("kept aside is\n%s", got)
	}
	if before != "" && contentOf(t, r.path+".bak") != before {
		t.Error("the previous version has changed")
	}
	if done.Damage == nil {
		t.Error("no damage reported")
	}
	if got, want := len(all(t, r)), len(done.Read)+len(done.Older); got != want {
		t.Errorf("the registry has %d leases, reported were %d", got, want)
	}
	if err := os.Remove(done.Aside); err != nil {
		t.Fatal(err)
	}
	checkLeftovers(t, filepath.Dir(r.path))
	return done
}

func TestRepair(t *testing.T) {
	a, b, c := line("a", "20001", "2021"), line("b", "20002", "2022"), line("c", "20003", "2023")
	good := damagedHead + a + ",\n" + b + damagedTail
	for name, test := range map[string]struct {
		content, before            string
		read, older, refused, lost string
	}{
		"empty":              {read: ""},
		"empty, with before": {before: good, older: "a=20001 b=20002"},
		"both damaged":       {content: damagedHead + a, before: damagedHead + b, read: "a=20001", older: "b=20002"},
		"half a line": {
			content: damagedHead + a + ",\n" + b[:len(b)-20], before: good,
			read: "a=20001", older: "b=20002", lost: `{"name": "b", "port": 20002, "since": "20`,
		},
		"a merge": {
			content: damagedHead + "<<<<<<< HEAD\n" + a + ",\n=======\n" + b + "\n>>>>>>> x" + damagedTail,
			read:    "a=20001 b=20002", lost: "<<<<<<< HEAD|=======|>>>>>>> x",
		},
		"a port twice": {
			content: damagedHead + line("a", "20002", "2023") + ",\n" + b + ",\n" + c + damagedTail, before: good,
			read: "b=20002 c=20003", older: "a=20001", refused: "a=20002",
		},
		"a name twice":   {content: damagedHead + b + ",\n" + line("b", "20009", "2021") + damagedTail, read: "b=20009"},
		"an unknown key": {content: damagedHead + strings.Replace(a, `"since"`, `"note": 1, "since"`, 1) + damagedTail, read: "a=20001"},
		"a bad port": {
			content: damagedHead + line("a", "70000", "2021") + ",\n" + b + damagedTail,
			read:    "b=20002", lost: `{"name": "a", "port": 70000, "since": "2021-08-17T10:00:00Z"}`,
		},
		"a time that is none": {
			content: damagedHead + `{"name": "a", "port": 20001, "since": "yesterday"}` + ",\n" + `{"name": "d", "port": 20004, "since": 5},` + "\n" +
				strings.Replace(b, `"2022`, `"99999`, 1) + ",\n" + `{"name": "c", "port": 20003, "pinned": "no", "since": null}` + damagedTail,
			read: "a=20001 d=20004 b=20002 c=20003",
		},
		"a byte-order mark": {content: "\ufeff" + damagedHead + a + ",\n" + b[:len(b)-2] + damagedTail, read: "a=20001", lost: b[6 : len(b)-2]},
		"a bad scope": {
			content: `{"version": 1, "scopes": [{"project": "x", "leases": [` + a + `]}, {"leases": [` + b + `]}]}`,
			read:    "b=20002", lost: `{"project": "x", "leases": [ {"name": "a", "port": 20001, "since": "2021-08-17T10:00:00Z"}]}`,
		},
		"no scope in the line": {
			content: strings.Replace(good, `{"leases": [`, `{"directory": "/x", "leas`, 1),
			lost: `{"directory": "/x", "leas|{"name": "a", "port": 20001, "since": "2021-08-17T10:00:00Z"},|` +
				`{"name": "b", "port": 20002, "since": "2022-08-17T10:00:00Z"}`,
		},
		"not a registry": {content: "[1, 2]", before: good, older: "a=20001 b=20002", lost: "[1, 2]"},
		"no version":     {content: strings.Replace(good, `"version": 1,`, "", 1), read: "a=20001 b=20002"},
	} {
		t.Run(name, func(t *testing.T) {
			done := repairing(t, test.content, test.before)
			var lost []string
			for _, l := range done.Lost {
				lost = append(lost, l.Text)
			}
			for _, part := range [][3]string{
				{"read", show(done.Read), test.read},
				{"from before", show(done.Older), test.older},
				{"refused", show(done.Refused), test.refused},
				{"lost", strings.Join(lost, "|"), test.lost},
			} {
				if part[1] != part[2] {
					t.Errorf("%s: %s, want %s", part[0], part[1], part[2])
				}
			}
		})
	}
}

// TestRepairCut truncates a file of several scopes anywhere: each lease with a
// complete line is read.
func TestRepairCut(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "one two=5432 three")
	put(t, r, checkout.Checkout{Directory: "/shop", Project: "shop"}, "web web:metrics db=5432")
	put(t, r, checkout.Checkout{Directory: "/shop-fix", Project: "shop", Worktree: "fix"}, "web db")
	content := contentOf(t, r.path)
	for cut := range len(content) - 2 { // without its last newline it is not damaged
		whole := 0
		for l := range strings.Lines(content[:cut+1]) {
			if strings.HasPrefix(l, `      {"name"`) && (strings.HasSuffix(l, "}") || strings.HasSuffix(l, "},") || strings.HasSuffix(l, "\n")) {
				whole++
			}
		}
		done := repairing(t, content[:cut+1], "")
		if got := len(done.Read); got != whole {
			t.Fatalf("of %d leases %d were read from\n%s", whole, got, content[:cut+1])
		}
	}
	if done := repairing(t, content[:len(content)/2], content); show(append(done.Read, done.Older...)) != show(all(t, r)) {
		t.Errorf("with the previous version: %s, then %s", show(done.Read), show(done.Older))
	}
}

func TestRepairDirectory(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "a b")
	gittest.Write(t, r.path+".bak", contentOf(t, r.path))
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	gittest.Write(t, filepath.Join(r.path, "mine"), "precious")
	done, err := r.Repair(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := contentOf(t, filepath.Join(done.Aside, "mine")); got != "precious" {
		t.Errorf("the directory contains %q", got)
	}
	if got := show(all(t, r)); got != "a=20000 b=20001" {
		t.Errorf("leases: %s", got)
	}
}

func TestRepairNothing(t *testing.T) {
	r := scratch(t)
	for _, content := range []string{"", contentOfNew(t)} {
		if content != "" {
			gittest.Write(t, r.path, content)
		}
		done, err := r.Repair(t.Context())
		if err != nil || done.Damage != nil || done.Aside != "" {
			t.Errorf("%+v, %v", done, err)
		}
		if content != "" && contentOf(t, r.path) != content {
			t.Error("the file has changed")
		}
		checkLeftovers(t, filepath.Dir(r.path))
	}
	gittest.Write(t, r.path, `{"version": 99}`)
	var newer *NewerError
	if _, err := r.Repair(t.Context()); !errors.As(err, &newer) {
		t.Errorf("a newer version: %v", err)
	}
	checkLeftovers(t, filepath.Dir(r.path))
}

func TestProbe(t *testing.T) {
	r := scratch(t)
	if err := r.Probe(t.Context(), time.Second); err != nil {
		t.Error(err)
	}
	checkLeftovers(t, filepath.Dir(r.path))
	put(t, r, checkout.Checkout{}, "a")
	before := stat(t, r.path)
	if err := r.Probe(t.Context(), time.Second); err != nil || !os.SameFile(before, stat(t, r.path)) {
		t.Errorf("the file has changed, or %v", err)
	}
	checkLeftovers(t, filepath.Dir(r.path))
	gittest.Write(t, r.path, "{")
	var damaged *DamagedError
	if err := r.Probe(t.Context(), time.Second); !errors.As(err, &damaged) {
		t.Errorf("a damaged one: %v", err)
	}
}

// Repair returns a valid registry for any content.
func FuzzRepair(f *testing.F) {
	f.Add(sample, sampleAsWritten)
	f.Add(sampleAsWritten[:200], sample[:90])
	f.Add(damagedHead+line("a", "1", "2021")+",\n"+line("b", "1", "2022"), "")
	f.Fuzz(func(t *testing.T, content, before string) {
		now, _ := salvage([]byte(content))
		old, _ := salvage([]byte(before))
		var done Repaired
		s := merge(&done, now, old)
		again, err := decode(encode(s))
		if err != nil {
			t.Fatalf("%v in\n%s", err, encode(s))
		}
		if got, want := len(again.all()), len(done.Read)+len(done.Older); got != want {
			t.Errorf("%d leases, reported were %d", got, want)
		}
	})
}
