package agentfile

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSkillLength holds the skill below 700 tokens, of which a word has 1.4.
func TestSkillLength(t *testing.T) {
	for _, tool := range Tools() {
		for _, f := range tool.Files(nil) {
			if f.JSON != nil {
				continue
			}
			content, _, err := f.New("")
			if err != nil {
				t.Fatal(err)
			}
			if left, err := f.Without(content); left != "" || err != nil {
				t.Errorf("%s: %q is left, %v", f.Path, left, err)
			}
			if tokens := float64(len(strings.Fields(content))) * 1.4; tokens > 700 {
				t.Errorf("%s has %.0f tokens", f.Path, tokens)
			}
		}
	}
}

// pieces are joined to odd files.
var pieces = []string{"", "a", "# title", "\n", "\r\n", "\r", "\n\n", " ", "\ufeff", "\x00", "\xff", "<!-- x -->", "<!-- devports -->", "```", "---"}

// TestSetRemove checks with random files that Set is idempotent, changes nothing
// outside its block, and that Remove restores the file.
func TestSetRemove(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var b strings.Builder
		for range random.IntN(8) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 20000 {
		before := text()
		set, err := Set(before, "one\ntwo\n")
		if err != nil {
			t.Fatalf("%q: %v", before, err)
		}
		if !strings.HasPrefix(set, before) {
			t.Fatalf("%q became %q", before, set)
		}
		if again, err := Set(set, "one\ntwo\n"); err != nil || again != set {
			t.Fatalf("%q became %q, %v", set, again, err)
		}
		if removed, err := Remove(set); err != nil || removed != before {
			t.Fatalf("%q became %q, %v; want %q", set, removed, err, before)
		}
		// The user has added text after the block.
		after := text()
		changed, err := Set(set+after, "three")
		if err != nil {
			t.Fatalf("%q: %v", set+after, err)
		}
		inner := strings.TrimPrefix(strings.TrimSuffix(changed, after), before)
		if !strings.HasPrefix(changed, before) || !strings.HasSuffix(changed, after) || !strings.Contains(inner, "three") || strings.Contains(inner, "two") {
			t.Fatalf("%q became %q", set+after, changed)
		}
		if removed, err := Remove(changed); err != nil || removed != before+after {
			t.Fatalf("%q became %q, %v; want %q", changed, removed, err, before+after)
		}
		if crlf := strings.HasPrefix(before, "a\r\n"); crlf && strings.Contains(strings.TrimPrefix(set, before), "one\n") {
			t.Fatalf("%q has another line ending than its file", set)
		}
	}
}

func TestDamagedMarks(t *testing.T) {
	for text, line := range map[string]int{
		Begin + "\n":                                        1,
		"x\n" + End + "\n":                                  2,
		End + "\n" + Begin + "\n":                           1,
		Begin + "\n" + Begin + "\n" + End:                   2,
		Begin + "\n" + End + "\n" + End:                     3,
		Begin + "\r\n" + End + "\r\n" + Begin + "\n" + End:  3,
		"<!-- devports: begin of an older version -->\nx\n": 1,
	} {
		var damaged *DamagedError
		for _, err := range []error{second(Set(text, "x")), second(Remove(text))} {
			if !errors.As(err, &damaged) || damaged.Line != line {
				t.Errorf("%q: %v, want line %d", text, err, line)
			}
		}
	}
	older := "<!-- devports: begin of an older version -->\nx\n" + End
	if got, err := Set(older, "y"); err != nil || got != Begin+"\ny\n"+End {
		t.Errorf("%q, %v", got, err)
	}
}

func second(_ string, err error) error { return err }

// TestOwn checks that a JSON file that devports did not write stays as it is.
func TestOwn(t *testing.T) {
	services := []Service{{"web", 10001}}
	for _, f := range []File{launchFile(services), worktreesFile(), conductorFile()} {
		for _, found := range []string{"{", `{"configurations": [{"runtimeExecutable": "npm"}]}`, `{"setup-worktree": ["npm ci"]}x`, `{"scripts": {"setup": "npm ci"}}`, `{"configurations": []}`, `{"configurations": [{"runtimeExecutable": "devports"}], "autoVerify": true}`} {
			if content, other, err := f.New(found); content != found || !other || err != nil {
				t.Errorf("%s: %q became %q", f.Path, found, content)
			}
			if content, _ := f.Without(found); content != found {
				t.Errorf("%s: %q became %q", f.Path, found, content)
			}
		}
		content, other, err := f.New("")
		if other || err != nil {
			t.Fatal(other, err)
		}
		if again, other, _ := f.New(content); again != content || other {
			t.Errorf("%s: %q became %q", f.Path, content, again)
		}
		if left, _ := f.Without(content); left != "" {
			t.Errorf("%s: %q is left", f.Path, left)
		}
	}
}
