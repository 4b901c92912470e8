package watcher

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rulesTable follows gitignore(5), section by section. Paths are separated by
// spaces; those of directories end in a slash.
var rulesTable = []struct {
	name           string
	rules          string // of the root's .gitignore
	nested         string // of sub/.gitignore
	ignored, taken string
}{
	{"a blank line", "\n\n \n\r\na\n\n", "", "a", "b .x"},
	{"a comment", "#a\n# b\n\\#c", "", "#c", "a b #a c"},
	{"a comment only at the beginning", "a#\n #b", "", "a#", "a b"},
	{"trailing spaces", "a   \nb\\ \nc\\\\  ", "", "a", "b c"},
	{"a tab is no space", "a\t", "", "", "a"},
	{"spaces within", "a b  ", "", "", "a b"},
	{"carriage returns", "a\r\nb/\r\n", "", "a b/", "b"},
	{"byte order mark", "\ufeffa", "", "a", "b"},
	{"no newline at the end", "a\nb", "", "a b", "c"},

	{"negation", "*.o\n!keep.o", "", "a.o sub/a.o", "keep.o sub/keep.o"},
	{"the last match decides", "!keep.o\n*.o", "", "a.o keep.o", "b"},
	{"and again", "*.o\n!keep.o\nsub/keep.o", "", "a.o sub/keep.o", "keep.o"},
	{"not from an ignored folder", "dir\n!dir/a", "", "dir/ dir/a dir/b/a", "a"},
	{"but from an ignored folder's content", "dir/*\n!dir/a", "", "dir/b dir/c/ dir/c/a", "dir/ dir/a"},
	{"all but one folder", "/*\n!/foo\n/foo/*\n!/foo/bar", "", "x foo/x bar/ foo/baz/", "foo/ foo/bar foo/bar/x"},
	{"an escaped exclamation mark", "\\!important!.txt", "", "!important!.txt", "important!.txt"},
	{"an exclamation mark within", "a!", "", "a!", "a"},
	{"no pattern", "!\n/\n//", "", "", "a b/"},

	{"a slash at the beginning", "/a", "", "a", "sub/a"},
	{"a slash in the middle", "doc/frotz", "", "doc/frotz doc/frotz/x", "a/doc/frotz sub/frotz"},
	{"a slash at the end", "frotz/", "", "frotz/ frotz/x sub/frotz/ sub/frotz/x", "a/frotz x/frotz"},
	{"in the middle and at the end", "doc/frotz/", "", "doc/frotz/ doc/frotz/x", "a/doc/frotz/ a/doc/frotz/x"},
	{"none", "frotz", "", "frotz sub/frotz a/frotz/ a/b/frotz/x", "frot frotzz"},
	{"two at the beginning", "//a", "", "", "a"},

	{"a star", "*.c\nx*z\n/a*/b", "", "a.c sub/.c xz xyyz ab/b a/b", "a.cc x/z a/x/b"},
	{"a question mark", "a?c\nx/?/y", "", "abc sub/a.c x/1/y", "ac abbc a/c x/12/y"},
	{"a range", "[a-c]x\n[!a-c]y\n[^a-c]z", "", "ax bx dy dz sub/cx", "dx ay az"},
	{"a bracket in brackets", "[]x]a\n[!]x]b\n[a\\]]c", "", "]a xa yb ]c ac", "ya ]b xb bc"},
	{"a hyphen in brackets", "[a-]x\n[-a]y\n[!-a]z", "", "-x ax -y ay bz", "bx by -z az"},
	{"a class", "[[:digit:]_]x\n[![:alpha:]]y\n[[:punct:]]z\n[[:space:]]w", "", "1x _x 1y .z [z", "ax ay 1z"},
	{"an unknown class", "[[:no:]]x\na", "", "a", "nx :x"},
	{"brackets and slashes", "a[!b]c\na[.-0]d\nx/[!a]y", "", "axc a.d a0d x/by", "a/c abc x/ay"},
	{"a negation behind a slash in brackets", "[/!a]x\n[/^b]y", "", "!x ax ^y by", "cx cy"},
	{"an open bracket", "[a\n[]b\n[!]c\n[[:digit:]\nd", "", "d", "[a a b ]b c [!]c 1"},
	{"a backslash", "\\a\nb\\*\n\\[c]\n\\\\d", "", "a b* [c]", "bx c"},
	{"a backslash at the end", "a\\\nb\\/\nc", "", "c", "a b/"},
	{"braces mean nothing", "{a,b}\n*.{c\nd}\n[{]e", "", "{a,b} x.{c d} {e", "a b x.c"},
	{"a dot", ".*\na/./b", "", ".a sub/.b", "a a/b"},
	{"several stars in a name", "a**b\n**c\nd**\n/e/?f**/g", "", "axb xc sub/c dx e/afx/g", "a/b e/af/x/g e/afx/y/g"},

	{"stars after a name", "a**/b\nx/c**\n!x/cd/e\n\\fg**/h\n?k**/l", "", "ab a/b axx/b ax/y/b x/c x/cd/ fgx/h", "b axb x/b a fg/x/h fgh jkl"},
	{"stars after a name, negated", "*\n!/x/\n!x/c**\n!y**/z\n!/y/", "", "a b/", "x/ x/c x/cd/e/f y/ yz"},

	{"leading **/", "**/foo\n**/bar/x", "", "foo sub/foo a/b/foo/ bar/x a/bar/x", "bar a/x bar/b/x"},
	{"trailing /**", "abc/**", "", "abc/a abc/b/c abc/d/", "abc/ abc sub/abc/a"},
	{"/**/", "a/**/b", "", "a/b a/x/b a/x/y/b", "b sub/a/b a/xb"},
	{"only **", "**", "", "a b/ b/c", ""},
	{"only /**", "/**", "", "a b/ b/c", ""},
	{"only **/", "**/", "", "a/ a/b b/c/", "x"},
	{"/**/ at the end", "a/**/", "", "a/b/ a/b/c a/c/", "a/ a/x"},
	{"three stars", "a/***/b\n***/c\nd/***", "", "a/b a/x/y/b c x/c d/x", "d/"},
	{"stars and more", "a/**/*.o\nb/*/c/**", "", "a/x.o a/b/c/x.o b/x/c/y", "a/x b/c/y b/x/y/c b/x/c/"},
	{"hello.*", "hello.*", "", "hello.txt hello.c a/hello.java", "hello"},
	{"/hello.*", "/hello.*", "", "hello.txt hello.c", "a/hello.java"},
	{"foo/*", "foo/*", "", "foo/test.json foo/bar/ foo/bar/hello.c", "foo/ x/foo/y"},

	{"nested rules go first", "*.o\n!b.o", "!a.o\nb.o", "a.o sub/b.o sub/x/b.o", "b.o sub/a.o sub/x/a.o"},
	{"they are relative to their folder", "", "/a\nx/b\nc", "sub/a sub/x/b sub/c sub/y/c", "a x/b c sub/y/a sub/x/x/b"},
	{"not in an ignored folder", "sub", "!a", "sub/ sub/a", "a"},
	{"an ignored .gitignore works", ".gitignore", "a", ".gitignore sub/.gitignore sub/a", "a"},
}

// verdict reports whether the rules of the root and of sub ignore a path.
func verdict(root, sub []rule, file string) bool {
	parts := strings.Split(strings.TrimSuffix(file, "/"), "/")
	f := newDirectory(nil, "root", "")
	f.rules = root
	for i, part := range parts[:len(parts)-1] {
		below := newDirectory(f, part, "")
		below.ignored = f.ignores(part, true)
		if i == 0 && part == "sub" {
			below.rules = sub
		}
		f = below
	}
	return f.ignores(parts[len(parts)-1], strings.HasSuffix(file, "/"))
}

func TestRules(t *testing.T) {
	for _, test := range rulesTable {
		root, sub := parseRules(test.rules), parseRules(test.nested)
		for _, file := range strings.Fields(test.ignored) {
			if !verdict(root, sub, file) {
				t.Errorf("%s: %s is not ignored", test.name, file)
			}
		}
		for _, file := range strings.Fields(test.taken) {
			if verdict(root, sub, file) {
				t.Errorf("%s: %s is ignored", test.name, file)
			}
		}
	}
}

func TestRulesWithSpaces(t *testing.T) {
	rules := parseRules("a b  \nc\\ \nd\\ \\  \ne \\f\n\\ ")
	for file, want := range map[string]bool{
		"a b": true, "a": false, "c ": true, "c": false, "d  ": true, "d ": false, "e f": true, " ": true,
	} {
		if got := verdict(rules, nil, file); got != want {
			t.Errorf("%q: %v", file, got)
		}
	}
}

// TestRulesMatchGit compares the table with git.
func TestRulesMatchGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git to compare with: ", err)
	}
	for _, test := range rulesTable {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// A path may be a file in one test and a directory in another: each
			// has a repository.
			for _, file := range strings.Fields(test.ignored + " " + test.taken) {
				dir := t.TempDir()
				files(t, dir, map[string]string{
					".git/HEAD": "ref: refs/heads/main", ".git/objects/": "", ".git/refs/": "",
					file: "", ".gitignore": test.rules, "sub/.gitignore": test.nested,
				})
				err := git(t, dir, "check-ignore", "-q", "--no-index", "--", strings.TrimSuffix(file, "/"))
				want := slices.Contains(strings.Fields(test.ignored), file)
				if got := err == nil; got != want {
					t.Errorf("%s: git reports %v", file, got)
				}
			}
		})
	}
}

// TestRandomRulesMatchGit compares random rules of special characters with git.
func TestRandomRulesMatchGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git to compare with: ", err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	pick := func(from []string, most int) string {
		var text strings.Builder
		for range 1 + random.IntN(most) {
			text.WriteString(from[random.IntN(len(from))])
		}
		return text.String()
	}
	pieces := strings.Split("a|a|b|b|c|/|/|*|**|**/|/**|?|!|#| |\\|[ab]|[!a]|[a-c]|[[:alpha:]]|[^[:digit:]]|[|]|-|{a,b}|.|\r", "|")
	dir := t.TempDir()
	tree := map[string]string{".git/HEAD": "ref: refs/heads/main", ".git/objects/": "", ".git/refs/": ""}
	for _, name := range []string{"a", "b/a", "b/b/c", "c/a b", "c/!a", "c/#", "ab/abc", "ab/{a,b}", "a.b/[ab]/-", "ba/ /a", "x/y/z/a/b", "*/**"} {
		tree[name] = ""
	}
	files(t, dir, tree)
	var paths []string // those of directories end in a slash
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case name == ".git":
			return fs.SkipDir
		case name == ".":
		case d.IsDir():
			paths = append(paths, name+"/")
		default:
			paths = append(paths, name)
		}
		return err
	}))
	for range 300 {
		var text strings.Builder
		for range 1 + random.IntN(4) {
			text.WriteString(pick([]string{"", "", "", "!", "/"}, 1) + pick(pieces, 5) + "\n")
		}
		files(t, dir, map[string]string{".gitignore": text.String()})
		ignored := checkIgnored(t, dir, paths)
		rules := parseRules(text.String())
		for _, file := range paths {
			if got, want := verdict(rules, nil, file), ignored[strings.TrimSuffix(file, "/")]; got != want {
				t.Errorf("%q by %q: ignored %t, git reports %t", file, text.String(), got, want)
			}
		}
	}
}

// checkIgnored returns those of the paths that git ignores.
func checkIgnored(t *testing.T, dir string, paths []string) map[string]bool {
	t.Helper()
	var in strings.Builder
	for _, file := range paths {
		in.WriteString(strings.TrimSuffix(file, "/") + "\x00")
	}
	cmd := gitCommand(dir, "check-ignore", "--no-index", "-z", "--stdin")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: none
		t.Fatal(err)
	}
	ignored := make(map[string]bool)
	for file := range strings.SplitSeq(string(out), "\x00") {
		ignored[file] = true
	}
	return ignored
}

// FuzzRules checks that a rule always gives the same result for a path, that the
// same rule negated after it gives the opposite, and that a path outside an ignored
// directory is not ignored then.
func FuzzRules(f *testing.F) {
	for _, test := range rulesTable {
		for _, file := range strings.Fields(test.ignored + " " + test.taken) {
			f.Add(test.rules, file)
		}
	}
	f.Fuzz(func(t *testing.T, text, file string) {
		rules := parseRules(text)
		verdict(rules, nil, file)
		for line := range strings.SplitSeq(text, "\n") {
			if strings.HasPrefix(line, "!") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "\ufeff") {
				continue
			}
			rule, negated := parseRules(line), parseRules("!"+line)
			if len(rule) != len(negated) {
				t.Fatalf("%q: %v, negated %v", line, rule, negated)
			}
			if len(rule) == 0 {
				continue
			}
			name := strings.TrimSuffix(file, "/")
			dir := name != file
			if matches := rule[0].matches(name, dir); negated[0].matches(name, dir) != matches || rule[0].negated || !negated[0].negated {
				t.Errorf("%q: %+v and %+v differ on %q", line, rule, negated, file)
			}
			if verdict(append(rule, negated...), nil, file) || verdict(negated, nil, file) {
				t.Errorf("%q, negated: %q is ignored", line, file)
			}
		}
	})
}

// git runs git without the user's configuration. It returns an error only for git's
// exit status.
func git(t testing.TB, dir string, args ...string) error {
	t.Helper()
	cmd := gitCommand(dir, args...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return err
}

func gitCommand(dir string, args ...string) *exec.Cmd {
	null := filepath.Join(dir, "no such file")
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL="+null, "GIT_CONFIG_NOSYSTEM=1", "XDG_CONFIG_HOME="+null,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a")
	return cmd
}
