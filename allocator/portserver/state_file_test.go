package portserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator/process"
)

// mineAt returns the line for a port of this process.
func mineAt(t testing.TB, port int) string {
	t.Helper()
	owner, err := process.Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return string(record{port, owner, 1795243499}.appendTo(nil))
}

func header(t testing.TB) string {
	t.Helper()
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	return string(appendHeader(nil, boot))
}

func TestParseState(t *testing.T) {
	head, line := header(t), mineAt(t, 24999)
	other := stateVersion + "another-boot\n"
	for _, tt := range []struct {
		name, text string
		ports      []int
	}{
		{"empty", "", nil},
		{"header", head, nil},
		{"one", head + line, []int{24999}},
		{"incomplete last line", head + line + mineAt(t, 24998)[:9], []int{24999}},
		{"last line without its end", head + line + strings.TrimSuffix(mineAt(t, 24998), "\n"), []int{24999}},
		{"a port twice", head + line + mineAt(t, 24998) + line, []int{24998, 24999}},
		{"earlier boot", other + line, nil},
		{"earlier boot, then damage", other + "\x00\x00\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state := filepath.Join(t.TempDir(), "state")
			write(t, state, tt.text)
			assignments, err := ReadState(state)
			if err != nil {
				t.Fatal(err)
			}
			var ports []int
			for _, a := range assignments {
				ports = append(ports, a.Port)
			}
			if diff := cmp.Diff(tt.ports, ports); diff != "" {
				t.Error(diff)
			}
			newServer(t, Config{State: state})
		})
	}
}

// A damaged file is an error, and is not changed.
func TestDamagedState(t *testing.T) {
	head, line := header(t), mineAt(t, 24999)
	for i, tt := range []struct {
		text string
		line int
	}{
		{"hello\n", 1},
		{"hello", 1},
		{strings.TrimSuffix(head, "\n"), 1},
		{"\n" + head + line, 1},
		{"portserver 2 x\n" + line, 1},
		{head + "\n", 2},
		{head + line + "garbage\n" + line, 3},
		{head + line + line[:9] + line, 3},
		{head + "0 2 3 4\n", 2},
		{head + "65536 2 3 4\n", 2},
		{head + "24999 1 3 4\n", 2},
		{head + "24999 -2 3 4\n", 2},
		{head + "24999 2 3 \n", 2},
		{head + "24999 2 3 4 5\n", 2},
		{head + "24999  2 3 4\n", 2},
		{head + "024999 2 3 4\n", 2},
		{head + "24999 2 3 4\r\n", 2},
	} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			state := filepath.Join(t.TempDir(), "state")
			write(t, state, tt.text)
			prefix := fmt.Sprintf("%s:%d: ", state, tt.line)
			if _, err := ReadState(state); err == nil || !strings.HasPrefix(err.Error(), prefix) {
				t.Errorf("%q: ReadState: %v, want %s…", tt.text, err, prefix)
			}
			if _, err := New(Config{State: state}); err == nil || !strings.HasPrefix(err.Error(), prefix) {
				t.Errorf("%q: New: %v, want %s…", tt.text, err, prefix)
			}
			if text, err := os.ReadFile(state); err != nil || string(text) != tt.text {
				t.Errorf("the file is now %q, %v; want %q", text, err, tt.text)
			}
		})
	}
}

func TestNoState(t *testing.T) {
	wantState(t, filepath.Join(t.TempDir(), "absent"), map[int]int{})
	if _, err := New(Config{State: filepath.Join(t.TempDir(), "absent", "state")}); err == nil {
		t.Error("no error for a directory that does not exist")
	}
}

// Reading a written file returns its records, without a partial line at the
// end.
func FuzzState(f *testing.F) {
	const boot = "b"
	f.Add(stateVersion + "b\n24999 4711 567890 1795243499\n24998 12")
	f.Add(stateVersion + "other\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		records, line, err := parseRecords(text, boot)
		if lines := 1 + strings.Count(text, "\n"); err != nil && (line < 1 || line > lines) {
			t.Fatalf("line %d of %d: %v", line, lines, err)
		}
		if err != nil || len(records) == 0 {
			return
		}
		again := appendHeader(nil, boot)
		for _, r := range records {
			again = r.appendTo(again)
		}
		if rest, ok := strings.CutPrefix(text, string(again)); !ok || strings.Contains(rest, "\n") {
			t.Errorf("%q is read as %q", text, again)
		}
	})
}
