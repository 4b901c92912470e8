package process

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseStat(t *testing.T) {
	const text = "4711 (a) Z 9 (b ) S 12 13 14 34816 14 4194304 159 0 0 0 0 0 0 0 20 0 1 0 6172 5873664 1"
	got, ok := parseStat([]byte(text))
	want := Stat{ID: ID{PID: 4711, Start: 6172}, Parent: 12, Group: 13, Session: 14, Terminal: 34816, Foreground: 14}
	if !ok || got.Stat != want {
		t.Errorf("%+v, %t", got.Stat, ok)
	}
	for _, text := range []string{"", "\n", "4711 (cat) S 1 2"} {
		if _, ok := parseStat([]byte(text)); ok {
			t.Errorf("parsed: %q", text)
		}
	}
	for text, want := range map[string]Stat{
		"7 (sh) S 1 7 7 34816 9 0": {Terminal: 34816, Foreground: 9},
		"7 (sh) T 1 7 7 0 -1 0":    {Stopped: true},
		"7 (sh) Z 1 7 7 0 -1 0":    {Zombie: true},
	} {
		got, ok := parseStat([]byte(text + strings.Repeat(" 0", 12) + " 4711 0"))
		want.ID, want.Parent, want.Group, want.Session = ID{7, 4711}, 1, 7, 7
		if !ok || got.Stat != want {
			t.Errorf("%q: %+v, %t; want %+v", text, got.Stat, ok, want)
		}
	}
	for _, name := range []string{"(sh)", "(a b)", "(a) S 1 2 (b)", "(:-))", "()", "(\n)"} {
		if got, ok := parseStat([]byte("42 " + name + " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n")); !ok || got.ID != (ID{42, 4711}) {
			t.Errorf("%s: %v, %t", name, got.ID, ok)
		}
	}
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("4711 (a) Z 9 (b ) S 12 13 14 34816 14 4194304 159 0 0 0 0 0 0 0 20 0 1 0 6172 5873664 1"))
	f.Add([]byte("1 (\n) T 0 1 1 0 -1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, ok := parseStat(text); ok && (s.PID < 1 || s.Zombie && s.Stopped) {
			t.Errorf("%+v", s)
		}
	})
}

const statusSample = "Name:\ta\\nUid: 5\nState:\tS (sleeping)\nUid:\t1000\t1001\t1000\t1000\n" +
	"SigBlk:\t0000000000000001\nSigIgn:\t0000000000000004\nSigCgt:\tffffffff8000000000004002\n"

func TestParseStatus(t *testing.T) {
	want := Status{User: 1001, Caught: 0x8000000000004002, Ignored: 4, Blocked: 1}
	if got, ok := parseStatus([]byte(statusSample)); !ok || got != want {
		t.Errorf("%+v, %t; want %+v", got, ok, want)
	}
	for _, bad := range []string{"", "Uid:\t1 1 1 1\n", "Uid:\t1\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t0\n", strings.Replace(statusSample, "4002", "400x", 1)} {
		if got, ok := parseStatus([]byte(bad)); ok {
			t.Errorf("%q is %+v", bad, got)
		}
	}
	if s := SignalSet(1<<63 | 1); !s.Has(1) || s.Has(2) || !s.Has(64) || s.Has(65) || s.Has(0) || s.Has(-1) {
		t.Errorf("%b: has 1 %t, 2 %t, 64 %t, 65 %t, 0 %t, -1 %t", s, s.Has(1), s.Has(2), s.Has(64), s.Has(65), s.Has(0), s.Has(-1))
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(statusSample))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, ok := parseStatus(text)
		if !ok {
			return
		}
		again := fmt.Sprintf("Uid:\t0\t%d\t0\t0\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\n", s.User, s.Blocked, s.Ignored, s.Caught)
		if got, ok := parseStatus([]byte(again)); !ok || got != s {
			t.Errorf("%+v, but of %q %+v, %t", s, again, got, ok)
		}
	})
}
