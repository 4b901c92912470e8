package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestWine runs the scripts for all systems, and tests of Windows' own files, as
// Windows programs under Wine. Wine has no Unix sockets, sends no
// Ctrl-Break to a group, and does not say which process listens: the tests that
// need these find out and are skipped.
func TestWine(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles all of devports for Windows")
	}
	t.Parallel()
	w := newWine(t)
	programs := t.TempDir()
	build := func(name, pkg string) string {
		path := filepath.Join(programs, name)
		// Without optimisation, as in vet's step for Windows in .ci/run, which
		// compiles the same.
		cmd := exec.Command("go", "test", "-c", "-gcflags=all=-N -l", "-ldflags=-s -w", "-o", path, pkg)
		cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return path
	}
	scripts := build("devports.test.exe", ".")
	w.test(t, build("system.test.exe", "../../launcher/system"), "", 4)
	w.test(t, build("allocator.test.exe", "../../allocator"), "Free", 3)
	w.test(t, scripts, "TestScripts/_everywhere$", 8)
	w.interrupt(t, scripts)
}

// wine is a Wine with a prefix of its own.
type wine struct{ loader, server, prefix string }

// newWine makes a prefix of links to Wine's own files. Wine's wineboot would copy
// them, 700 MB, in 20 s. It skips the test where there is no Wine.
func newWine(t *testing.T) wine {
	w := wine{prefix: filepath.Join(t.TempDir(), "prefix")}
	for name, paths := range map[*string][]string{
		&w.loader: {"wine64", "/usr/lib/wine/wine64"}, &w.server: {"wineserver64", "wineserver", "/usr/lib/wine/wineserver64"},
	} {
		for _, path := range paths {
			if found, err := exec.LookPath(path); err == nil && *name == "" {
				*name = found
			}
		}
	}
	files, _ := filepath.Glob("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/*")
	if w.loader == "" || w.server == "" || len(files) == 0 {
		t.Skip("there is no 64-bit Wine: apt-get install wine64")
	}
	for _, program := range []string{"x86_64-w64-mingw32-dlltool", "x86_64-w64-mingw32-ld", "script"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("there is no ", program, ": apt-get install binutils-mingw-w64-x86-64 bsdutils")
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	drive := filepath.Join(w.prefix, "drive_c")
	system := filepath.Join(drive, "windows", "system32")
	check(os.MkdirAll(system, 0o755))
	check(os.MkdirAll(filepath.Join(drive, "temp"), 0o755))
	check(os.Mkdir(filepath.Join(w.prefix, "dosdevices"), 0o755))
	check(os.Symlink("../drive_c", filepath.Join(w.prefix, "dosdevices", "c:")))
	check(os.Symlink("/", filepath.Join(w.prefix, "dosdevices", "z:")))
	for _, file := range files {
		check(os.Symlink(file, filepath.Join(system, filepath.Base(file))))
	}
	check(os.WriteFile(filepath.Join(w.prefix, ".update-timestamp"), []byte("disable\n"), 0o644))
	check(os.WriteFile(filepath.Join(w.prefix, "user.reg"), []byte(`WINE REGISTRY Version 2
;; All keys relative to \\User\\S-1-5-21-0-0-0-1000

#arch=win64

[Environment] 1
"PATH"="C:\\windows\\system32;C:\\windows"
"PATHEXT"=".COM;.EXE;.BAT;.CMD"
"TEMP"="C:\\temp"
"TMP"="C:\\temp"
`), 0o644))
	// Go's runtime needs this library for random numbers, which Wine 8 has not.
	library := filepath.Join(t.TempDir(), "library")
	check(os.WriteFile(library+".def", []byte("LIBRARY bcryptprimitives.dll\nEXPORTS\nProcessPrng = advapi32.SystemFunction036\n"), 0o644))
	for _, command := range [][]string{
		{"x86_64-w64-mingw32-dlltool", "-d", library + ".def", "-e", library + ".o"},
		{"x86_64-w64-mingw32-ld", "-shared", "--entry", "0", "-o", filepath.Join(system, "bcryptprimitives.dll"), library + ".o"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	start := exec.Command(w.server, "--persistent", "--foreground")
	start.Env = w.environ()
	check(start.Start())
	t.Cleanup(func() {
		kill := exec.Command(w.server, "--kill")
		kill.Env = w.environ()
		_ = kill.Run() // and all programs
		_ = start.Process.Kill()
		_ = start.Wait()
	})
	return w
}

func (w wine) environ() []string {
	return append(os.Environ(), "WINEPREFIX="+w.prefix, "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=", "TERM=xterm")
}

// command runs a program with a console. The test's end, or five minutes, end it.
func (w wine) command(t *testing.T, program string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	line := "exec " + strings.Join(append([]string{w.loader, program}, args...), " ") // a shell that waits would end by Ctrl-C
	cmd := exec.CommandContext(ctx, "script", "-qec", line, "/dev/null")
	cmd.Env = w.environ()
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// test runs the tests of a program, of which at least passed have to pass. The
// exit status does not count: Wine cannot delete as Go does. Nor does a run in
// which Wine could not start a process, which happens once in some hundred of
// them.
func (w wine) test(t *testing.T, program, run string, passed int) {
	t.Helper()
	began := time.Now()
	var text string
	var ok int
	var err error
	for range 3 {
		var out []byte
		out, err = w.command(t, program, "-test.v", "-test.parallel=1", "-test.run", "'"+run+"'").CombinedOutput()
		text = plain(out)
		ok = len(regexp.MustCompile(`(?m)^ *--- PASS: .*`).FindAllString(text, -1))
		if !strings.Contains(text, "Internal error.") { // ERROR_INTERNAL_ERROR of CreateProcess
			break
		}
	}
	if ok < passed || strings.Contains(text, "--- FAIL") || strings.Contains(text, "panic:") {
		t.Errorf("%s: %d tests passed, want %d (%v):\n%s", filepath.Base(program), ok, passed, err, text)
	}
	for _, skipped := range regexp.MustCompile(`(?m)^ *--- SKIP: .*`).FindAllString(text, -1) {
		t.Log(skipped)
	}
	t.Logf("%s: %d tests passed in %v", filepath.Base(program), ok, time.Since(began).Round(time.Second/10))
}

// interrupt types Ctrl-C at `devports run`, which ends with its command, not
// before.
func (w wine) interrupt(t *testing.T, program string) {
	devports := filepath.Join(filepath.Dir(program), "devports.exe")
	cleaner := filepath.Join(filepath.Dir(program), "cleaner.exe")
	for _, path := range []string{devports, cleaner} {
		if err := os.Link(program, path); err != nil {
			t.Fatal(err)
		}
	}
	cmd := w.command(t, devports, "run", "--", cleaner)
	cmd.Env = append(cmd.Env, "DEVPORTS_HOME=C:\\home", "DEVPORTS_FRONT=off")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for typed, r := false, bufio.NewReader(out); ; {
		b, err := r.ReadByte()
		if err != nil {
			break
		}
		if text.WriteByte(b); !typed && strings.Contains(text.String(), "waiting for Ctrl-C") {
			typed = true
			fmt.Fprint(keys, "\x03")
		}
	}
	err = cmd.Wait()
	if got := plain(text.Bytes()); !strings.Contains(got, "cleaned up") || cmd.ProcessState.ExitCode() != 9 {
		t.Errorf("%v: %s", err, got)
	}
}

// plain is output without the escape sequences of a console.
func plain(out []byte) string {
	return regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\r`).ReplaceAllString(string(out), "")
}
