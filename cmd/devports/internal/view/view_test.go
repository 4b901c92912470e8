package view

import (
	"regexp"
	"strings"
	"testing"

	"github.com/devports/devports/launcher"
)

func TestKeys(t *testing.T) {
	for sent, want := range map[string]string{
		"a":               "a",
		"2r":              "2 r",
		"\x1b[A\x1bOB":    "up down",
		"\x1b":            "escape",
		"\x1b[15~q":       "q", // F5 has no meaning
		"\x1b[1;5C":       "",
		"é好":              "é 好",
		"\r\n\x7f\x15":    "enter enter erase erase all",
		"\x00\x01\tx\xff": "x \xff",
		"\x1b\x1b[B":      "escape down",
	} {
		var keys []string
		for rest := []byte(sent); len(rest) > 0; {
			key, n := firstKey(rest)
			if rest = rest[n:]; key != "" {
				keys = append(keys, key)
			}
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("%q is %q, want %q", sent, got, want)
		}
	}
}

func statuses(names ...string) (all []launcher.Status) {
	for _, name := range names {
		all = append(all, launcher.Status{Service: name, State: launcher.StateReady})
	}
	return all
}

// TestPress applies keys to a model: each list of keys has the last command and
// the shown output.
func TestPress(t *testing.T) {
	for _, test := range []struct {
		keys string
		do   command
		seen string
	}{
		{"2", cmdFilter, "only b"},
		{"2 2", cmdFilter, "only b"},
		{"9", cmdNothing, "all output"},
		{"2 0", cmdFilter, "all output"},
		{"2 escape", cmdFilter, "all output"},
		{"escape", cmdNothing, "all output"},
		{"down", cmdFilterSoon, "only a"},
		{"down down down down", cmdFilterSoon, "all output"},
		{"up", cmdFilterSoon, "only c"},
		{"up up down", cmdFilterSoon, "only c"},
		{"3 r", cmdRestart, "only c"},
		{"r", cmdNothing, "all output"},
		{"q", cmdAsk, "all output"},
		{"q q", cmdInterrupt, "all output"},
		{"q y", cmdInterrupt, "all output"},
		{"q enter", cmdInterrupt, "all output"},
		{"q 2", cmdNothing, "all output"}, // any other key only cancels
		{"q n q", cmdAsk, "all output"},
		{"q q q", cmdAsk, "all output"}, // before they are killed
		{"g b enter", cmdFilter, "only b"},
		{"g B enter", cmdFilter, "only b"},
		{"g enter", cmdNothing, "all output"},
		{"g x enter", cmdNothing, "all output"},
		{"g x erase c enter", cmdFilter, "only c"},
		{"g b escape q", cmdAsk, "all output"},
		{"d", cmdNothing, "all output"},
		{"/ q . enter", cmdFilter, "only lines matching q."},
		{"/ q erase erase q q", cmdInterrupt, "all output"},
		{"/ x enter 1", cmdFilter, "only a, lines matching x"},
		{"/ x enter / enter", cmdFilter, "all output"},
		{"/ x enter / y escape", cmdNothing, "only lines matching x"},
		{"/ ( enter", cmdNothing, "all output"},
		{"/ ( enter ) enter", cmdFilter, "only lines matching ()"},
		{"/ a b erase all c enter", cmdFilter, "only lines matching c"},
		{"p", cmdPause, "all output"},
		{"p p", cmdResume, "all output"},
		{"? 1", cmdFilter, "only a"},
		{"redraw", cmdRedraw, "all output"},
		{"x", cmdNothing, "all output"},
	} {
		m, do := model{services: statuses("a", "b", "c")}, cmdNothing
		words := strings.ReplaceAll(test.keys, keyEraseAll, "EA")
		for _, key := range strings.Fields(words) {
			m, do = m.press(strings.ReplaceAll(key, "EA", keyEraseAll))
		}
		if do != test.do || m.shown() != test.seen {
			t.Errorf("%s: asks for %d and shows %q, want %d and %q", test.keys, do, m.shown(), test.do, test.seen)
		}
	}
	// With nothing running there is nothing to ask.
	ended := model{services: []launcher.Status{{Service: "a", State: launcher.StateDone}, {Service: "b", State: launcher.StateFailed}}}
	if _, do := ended.press("q"); do != cmdInterrupt {
		t.Errorf("q after all services have ended: %d", do)
	}
	// A single service need not be picked.
	m := model{services: statuses("only")}
	if m, do := m.press("r"); do != cmdRestart || m.target() != "only" {
		t.Errorf("asks for %d of %s", do, m.target())
	}
}

// A service that an edit removes is no longer picked; one that is added
// changes nothing.
func TestChange(t *testing.T) {
	m := model{services: statuses("a", "b"), picked: "b", match: regexp.MustCompile("x")}
	m, do := m.change(statuses("a", "b", "c"))
	if do != cmdNothing || m.picked != "b" || m.notice != "" {
		t.Errorf("with another service it asks for %d, with %q picked and %q", do, m.picked, m.notice)
	}
	m, do = m.change(statuses("a", "c"))
	if do != cmdFilter || m.shown() != "only lines matching x" || m.notice != "b is no longer declared" {
		t.Errorf("without the service it asks for %d and shows %q and %q", do, m.shown(), m.notice)
	}
}

// Only a run that continues without the view can be left.
func TestLeave(t *testing.T) {
	m, do := model{services: statuses("a", "b")}.press("d")
	if do != cmdNothing || !strings.Contains(m.notice, "not started with -d") {
		t.Errorf("in the foreground: %d, %q", do, m.notice)
	}
	m = model{leaves: true, services: statuses("a", "b")}
	if _, do := m.press("d"); do != cmdLeave {
		t.Errorf("in the background: %d", do)
	}
	m, _ = m.press("q")
	if m, do := m.press("d"); do != cmdLeave || m.asking {
		t.Errorf("when asked: %d", do)
	}
}
