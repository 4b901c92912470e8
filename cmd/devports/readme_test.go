//go:build unix

package main

import (
	"fmt"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A documentBlock is a fenced code block of a Markdown file.
type documentBlock struct {
	section string   // the heading above it
	info    []string // the words after the fence: a language, and what the tests make of the block
	text    string
}

func documentBlocks(t *testing.T, path string) (blocks []documentBlock) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	section := ""
	for _, m := range regexp.MustCompile("(?ms)^## ([^\n]*)$|^```([^\n]+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if m[1] != "" {
			section = m[1]
		} else {
			blocks = append(blocks, documentBlock{section, strings.Fields(m[2]), m[3]})
		}
	}
	return blocks
}

// TestREADME runs the console blocks of the README in this checkout.
func TestREADME(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range documentBlocks(t, filepath.Join(root, "README.md")) {
		if b.info[0] != "console" || b.text == "$ go test ./...\n" { // this test
			continue
		}
		first, _, _ := strings.Cut(b.text, "\n")
		t.Run(first, func(t *testing.T) {
			t.Setenv("DEVPORTS_HOME", t.TempDir())
			withFront(t)
			runConsole(t, root, b.text)
		})
	}
}

// withFront gives services named addresses with the port of the documents, or
// with another one of as many digits if that is taken.
func withFront(t *testing.T) {
	t.Helper()
	for port := 4777; port < 4900; port++ {
		if l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port)); err == nil {
			l.Close()
			t.Setenv("DEVPORTS_FRONT", strconv.Itoa(port))
			return
		}
	}
	t.Fatal("no port is free")
}

// TestRecipes follows the recipes of the examples, each in a directory of its own.
// A block of a language and a path is written to that file. A console block names
// the programs that it needs.
func TestRecipes(t *testing.T) {
	for section, blocks := range sections(documentBlocks(t, "../../examples/README.md")) {
		t.Run(section, func(t *testing.T) {
			dir, home := filepath.Join(t.TempDir(), "shop"), t.TempDir()
			withFront(t)
			for name, value := range map[string]string{"DEVPORTS_HOME": home, "HOME": home, "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "DIRENV_LOG_FORMAT": "", "CI": ""} {
				t.Setenv(name, value)
			}
			for _, b := range blocks {
				switch {
				case b.info[0] == "console":
					for _, program := range b.info[1:] {
						if _, err := exec.LookPath(program); err != nil {
							t.Skip(program + " is missing")
						}
					}
					runConsole(t, dir, b.text)
				case len(b.info) > 1:
					path := filepath.Join(dir, b.info[1])
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, []byte(b.text), 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// sections returns the blocks of each section, in order.
func sections(blocks []documentBlock) iter.Seq2[string, []documentBlock] {
	return func(yield func(string, []documentBlock) bool) {
		for len(blocks) > 0 {
			n := 1
			for n < len(blocks) && blocks[n].section == blocks[0].section {
				n++
			}
			if !yield(blocks[0].section, blocks[:n]) {
				return
			}
			blocks = blocks[n:]
		}
	}
}

// runConsole runs the commands of a console block and compares their output.
// Numbers may differ. A line "..." stands for any lines, and then the order of
// the others does not matter; "..." at the end of a line stands for any text.
// After "^C" the command is interrupted.
func runConsole(t *testing.T, dir, block string) {
	t.Helper()
	var script strings.Builder
	var want []string
	interrupt := false
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		command, ok := strings.CutPrefix(line, "$ ")
		switch {
		case ok:
			fmt.Fprintln(&script, command)
		case line == "^C":
			interrupt = true
		default:
			want = append(want, line)
		}
	}
	compareLines(t, want, runBlock(t, dir, script.String(), want, interrupt))
}

// TestREADMEScreen reproduces the README's picture of a terminal.
func TestREADMEScreen(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is missing")
	}
	blocks := documentBlocks(t, "../../README.md")
	block := blocks[slices.IndexFunc(blocks, func(b documentBlock) bool { return b.info[0] == "text" })].text
	withFront(t)
	// Column widths, durations and the port of named addresses may differ.
	normal := func(screen string) []string {
		screen = regexp.MustCompile(` +`).ReplaceAllString(screen, " ")
		screen = regexp.MustCompile(`\d+(\.\d+)? (ms|s|min)\b`).ReplaceAllString(screen, "0 s")
		screen = regexp.MustCompile(`\.localhost:\d+`).ReplaceAllString(screen, ".localhost:4777")
		screen = regexp.MustCompile(`─+`).ReplaceAllString(screen, "─")
		return lines(regexp.MustCompile(` ?\n+`).ReplaceAllString(screen, "\n"))
	}
	home := t.TempDir()
	tmux := func(args ...string) string {
		cmd := exec.Command("tmux", append([]string{"-u", "-S", filepath.Join(home, "tmux"), "-f", "/dev/null"}, args...)...)
		cmd.Dir = "../../examples/shop"
		cmd.Env = append(os.Environ(), "DEVPORTS_HOME="+home, "TERM=xterm", "CI=", "NO_COLOR=", "GORACE=atexit_sleep_ms=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	tmux("new-session", "-d", "-x", "88", "-y", "30", "echo '$ devports up'; exec devports up")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", filepath.Join(home, "tmux"), "kill-server").Run() })
	want := normal(strings.ReplaceAll(block, "  ⋮\n", ""))
	for end := time.Now().Add(2 * patience); ; time.Sleep(50 * time.Millisecond) {
		screen := tmux("capture-pane", "-p")
		missing := missingLines(want, normal(screen))
		if len(missing) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the README shows\n%s\nbut there is\n%s", strings.Join(missing, "\n"), screen)
		}
	}
	tmux("send-keys", "q", "y")
	for end := time.Now().Add(patience); exec.Command("tmux", "-S", filepath.Join(home, "tmux"), "has-session").Run() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("q does not end it")
		}
	}
}

// runBlock runs a script in dir and returns its output. With interrupt, it
// interrupts the script once the wanted lines are there.
func runBlock(t *testing.T, dir, script string, want []string, interrupt bool) []string {
	t.Helper()
	if interrupt {
		script = "exec " + script
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as in a terminal, Ctrl-C reaches the whole job
	j := &job{cmd: cmd, done: make(chan struct{}), more: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = j, j
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var failed error
	go func() {
		failed = cmd.Wait()
		close(j.done)
	}()
	late := time.After(2 * patience)
	for interrupt {
		text, more := j.text()
		if len(missingLines(want, lines(text))) == 0 {
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			break
		}
		select {
		case <-more:
		case <-late:
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
			t.Fatalf("it does not print\n%s\nbut\n%s", strings.Join(missingLines(want, lines(text)), "\n"), text)
		}
	}
	<-j.done
	text, _ := j.text()
	expected := interrupt || strings.Contains(text, "devports: error:") // else the block must succeed
	if failed != nil && !expected {
		t.Errorf("%v\n%s", failed, text)
	}
	return lines(text)
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

var numbers = regexp.MustCompile(`\d+`)

// same reports whether a line of the README matches an output line.
func same(want, got string) bool {
	pattern := regexp.QuoteMeta(numbers.ReplaceAllString(want, "0"))
	if strings.HasSuffix(want, "...") {
		pattern = strings.TrimSuffix(pattern, `\.\.\.`) + ".*"
	}
	return regexp.MustCompile("^" + pattern + "$").MatchString(numbers.ReplaceAllString(got, "0"))
}

// missingLines returns the wanted lines that are not in the output.
func missingLines(want, got []string) (missing []string) {
	for _, w := range want {
		found := w == "..."
		for _, g := range got {
			found = found || same(w, g)
		}
		if !found {
			missing = append(missing, w)
		}
	}
	return missing
}

func compareLines(t *testing.T, want, got []string) {
	t.Helper()
	for _, w := range want {
		if w == "..." {
			if missing := missingLines(want, got); len(missing) > 0 {
				t.Errorf("not printed:\n%s\nbut:\n%s", strings.Join(missing, "\n"), strings.Join(got, "\n"))
			}
			return
		}
	}
	equal := len(want) == len(got)
	for i := 0; equal && i < len(want); i++ {
		equal = same(want[i], got[i])
	}
	if !equal {
		t.Errorf("printed:\n%s\nthe README says:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
