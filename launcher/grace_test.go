//go:build unix

package launcher

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVariable makes this binary play a part in a service: its arguments name
// the part.
const roleVariable = "LAUNCHER_TEST_ROLE"

var roles = map[string]func(args []string){"cleaner": cleaner, "relay": relay, "runner": runner, "rooted": rooted}

// cleaner FILE [LINES] takes some time to clean up on SIGTERM, prints that many
// lines meanwhile, and writes to FILE how it ended.
func cleaner(args []string) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	signal.Ignore(syscall.SIGPIPE)
	record := func(text string) {
		f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err == nil {
			fmt.Fprintln(f, text)
			f.Close()
		}
	}
	record("began")
	fmt.Println("cleaner is ready")
	if s := <-signals; s != syscall.SIGTERM {
		record(s.String())
		os.Exit(1)
	}
	if len(args) > 1 {
		line := strings.Repeat("x", 99) + "\n"
		for range 3000 {
			if _, err := os.Stdout.WriteString(line); err != nil {
				record(err.Error())
				os.Exit(1)
			}
		}
	}
	for work := time.After(150 * time.Millisecond); ; {
		select {
		case s := <-signals:
			record("then " + s.String())
			if s != syscall.SIGTERM {
				os.Exit(1)
			}
		case <-work:
			record("clean")
			return
		}
	}
}

// relay PROGRAM ARGUMENT… copies the output of a program, and continues after
// SIGTERM.
func relay(args []string) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
	cmd := exec.Command(args[0], args[1:]...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, _ = io.Copy(os.Stdout, out)
	_ = cmd.Wait()
}

// forms are commands in which C is a program that cleans up, and D another one.
// Each is a shell command or an array.
var forms = []struct {
	name    string
	needs   string // a program
	command string // in a Portfile
}{
	{"plain", "", `"C"`},
	{"and", "", `"true && C"`},
	{"list", "", `"true; C"`},
	{"list that goes on", "", `"C; true"`},
	{"assignment", "", `"X=1 C"`},
	{"cd", "", `"cd / && C"`},
	{"while", "", `"while :; do C; break; done"`},
	{"for", "", `"for i in 1; do C; done"`},
	{"if", "", `"if true; then C; fi"`},
	{"pipe", "", `"C | cat"`},
	{"pipe into", "", `"echo x | C"`},
	{"subshell", "", `"(C)"`},
	{"subshell in a list", "", `"(cd /; C); true"`},
	{"group", "", `"{ C; }"`},
	{"function", "", `"f() { C; }; f"`},
	{"redirection", "", `"C 2>&1 < /dev/null"`},
	{"exec", "", `"exec C"`},
	{"array", "", `[A]`},
	{"nested shells", "", `"sh -c 'sh -c \"C; true\"; true'"`},
	{"bash", "bash", `"bash -c 'C'"`},
	{"bash list", "bash", `"bash -c 'true; C; true'"`},
	{"exec bash", "bash", `"exec bash -c 'true; C; true'"`},
	{"interactive bash", "bash", `"bash -ic 'C'"`},
	{"exec interactive bash", "bash", `"exec bash -ic 'true; C'"`},
	{"zsh", "zsh", `"exec zsh -c 'true; C; true'"`},
	{"fish", "fish", `"exec fish -c 'true; C; true'"`},
	{"eval", "", `"eval 'C; true'"`},
	{"background", "", `"C & wait"`},
	{"two in the background", "", `"C & D & wait"`},
	{"background and foreground", "", `"C & D"`},
	{"job control", "bash", `["bash", "-c", "set -m; C & wait"]`},
	{"job control in the foreground", "bash", `["bash", "-c", "set -m; C; true"]`},
	{"make", "make", `"make -f W/Makefile serve"`},
	{"exec make", "make", `"exec make -f W/Makefile serve"`},
	{"npm", "npm", `"npm --prefix W run --silent dev"`},
	{"exec npm", "npm", `"exec npm --prefix W run --silent dev"`},
	{"npm twice", "npm", `"npm --prefix W run --silent outer"`},
	{"wrapper that dies", "flock", `"flock W/lock C"`},
	{"array of a wrapper that dies", "flock", `["flock", "W/lock", A]`},
	{"exec of a wrapper that dies", "flock", `"exec flock W/lock C"`},
	{"script with kill 0", "bash", `"exec bash W/kill0.sh"`},
	{"script with kill 0 of sh", "", `"exec sh W/kill0.sh"`},
	{"trap that exits", "", `"trap 'exit 0' TERM; C & wait"`},
	{"trap that exits, bash", "bash", `["bash", "-c", "trap 'exit 0' TERM; C & wait"]`},
	{"trap on exit", "bash", `["bash", "-c", "trap 'true' EXIT; C"]`},
	{"trap of a foreground shell", "", `"trap 'true' TERM; C; true"`},
	{"relay", "", `[R, A, "300k"]`},
	{"relay in a shell", "", `"true; relay C 300k"`},
	{"exec relay", "", `"exec relay C 300k"`},
	{"exec env", "", `"exec env Y=1 C"`},
	{"xargs", "xargs", `"echo x | xargs -I{} C"`},
}

// In whatever form a service's command is written, its programs get their stop
// signal once and the whole grace period: no SIGHUP, no SIGKILL.
func TestGrace(t *testing.T) {
	t.Run("terminal", func(t *testing.T) {
		testGrace(t, &Terminals{})
	})
	t.Run("pipe", func(t *testing.T) { testGrace(t, nil) })
}

func testGrace(t *testing.T, terminals *Terminals) {
	const grace = time.Minute
	var portfile strings.Builder
	var records []string
	for i, form := range forms {
		_, err := exec.LookPath(form.needs)
		switch {
		case form.needs != "" && err != nil:
			t.Logf("left out: %s: %s is missing", form.name, form.needs)
		case terminals == nil && strings.Contains(form.command, "kill0"):
			// With pipes, the script itself signals its children once more.
		default:
			command, files := cleaners(t, form.command)
			fmt.Fprintf(&portfile, "[services.s%d] # %s\ncommand = %s\nstop_timeout = '%v'\n", i, form.name, command, grace)
			for _, file := range files {
				records = append(records, form.name+"\x00"+file)
			}
		}
	}
	w := runWith(t, plan(t, portfile.String()), Options{Terminals: terminals, Instance: &Instance{}})
	w.until("the beginning of all cleaners", func([]Event, string) bool {
		for _, record := range records {
			_, file, _ := strings.Cut(record, "\x00")
			if _, err := os.Stat(file); err != nil {
				return false
			}
		}
		return true
	})
	start := time.Now()
	w.signals <- syscall.SIGINT
	if status := w.status(); status != 0 {
		t.Errorf("status %d", status)
	}
	// Waiting for SIGKILL, or for half of the grace period, takes longer.
	if took := time.Since(start); took > grace/2 {
		t.Errorf("it took %v", took)
	}
	for _, record := range records {
		form, file, _ := strings.Cut(record, "\x00")
		text, err := os.ReadFile(file)
		ended := string(text)
		if strings.Contains(form, "make") { // make sends its children SIGTERM as well
			ended = strings.Replace(ended, "then terminated\n", "", 1)
		}
		if ended != "began\nclean\n" {
			t.Errorf("%s: %q, %v", form, text, err)
		}
	}
	for _, e := range w.events {
		if _, killing := e.(Killing); killing {
			t.Errorf("%+v", e)
		}
	}
}

// cleaners returns a command with its cleaners, and the files that these write
// to.
func cleaners(t *testing.T, command string) (_ string, records []string) {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program := func(name, role string, args ...string) string {
		return script(name, fmt.Sprintf("#!/bin/sh\nGORACE=atexit_sleep_ms=0 %s=%s exec %s %s \"$@\"\n", roleVariable, role, os.Args[0], strings.Join(args, " ")))
	}
	c := program("cleaner-c", "cleaner", filepath.Join(dir, "c"))
	d := program("cleaner-d", "cleaner", filepath.Join(dir, "d"))
	script("Makefile", fmt.Sprintf("serve:\n\t@%s\n", c))
	script("package.json", fmt.Sprintf(`{"scripts": {"dev": %q, "outer": "npm run --silent dev"}}`, c))
	script("kill0.sh", fmt.Sprintf("trap 'kill 0' EXIT\n%s & %s & wait\n", c, d))
	records = []string{filepath.Join(dir, "c")}
	if strings.Contains(command, "D") || strings.Contains(command, "kill0") {
		records = append(records, filepath.Join(dir, "d"))
	}
	return strings.NewReplacer(
		"C", c, "D", d, "W/", dir+"/", "--prefix W", "--prefix "+dir,
		"relay ", program("relay", "relay")+" ", "[R, A,", fmt.Sprintf("[%q, %q,", dir+"/relay", c), "A]", fmt.Sprintf("%q]", c),
	).Replace(command), records
}
