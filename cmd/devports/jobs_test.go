package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/terminal"
)

// patience bounds how long a script waits for a condition.
const patience = 3 * time.Minute

// scriptCommands are the commands of scripts, in addition to testscript's.
// A job is a named process in the background.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"start":   cmdStart,
	"until":   cmdUntil,
	"await":   cmdAwait,
	"signal":  cmdSignal,
	"pid":     cmdPID,
	"resize":  cmdResize,
	"type":    cmdType,
	"finish":  cmdFinish,
	"output":  cmdOutput,
	"get":     cmdGet,
	"post":    cmdPost,
	"capture": cmdCapture,
	"edit":    cmdEdit,
	"json":    cmdJSON,
	"nothing": cmdNothing,
	"alive":   cmdAlive,
	"gone":    cmdGone,
	"mode":    cmdMode,
	"environ": cmdEnviron,
	"cmdline": cmdCommandLine,
	"tmux":    cmdTmux,
	"task":    cmdTask,
	"skill":   cmdSkill,
	"install": cmdInstall,
}

// jobs is the key of a script's map[string]*job.
type jobs struct{}

// job is a background process; output is its output so far.
type job struct {
	cmd  *exec.Cmd
	done chan struct{}
	tty  *os.File // the master of its terminal, if it has one

	mu     sync.Mutex // guards the fields below
	output bytes.Buffer
	more   chan struct{} // closed when output has grown
}

func (j *job) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.more)
	j.more = make(chan struct{})
	return j.output.Write(p)
}

func (j *job) text() (text string, more <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.output.String(), j.more
}

func find(ts *testscript.TestScript, name string) *job {
	j := ts.Value(jobs{}).(map[string]*job)[name]
	if j == nil {
		ts.Fatalf("there is no job %s", name)
	}
	return j
}

// start [-tty] NAME PROGRAM [ARG…]; -tty gives it a terminal of 24 rows and 80
// columns.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	tty := len(args) > 0 && args[0] == "-tty"
	if tty {
		args = args[1:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start [-tty] NAME PROGRAM [ARG…]")
	}
	path, err := exec.LookPath(args[1])
	if err != nil { // a program of the script, not on PATH
		for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
			if p, e := exec.LookPath(filepath.Join(dir, args[1])); e == nil {
				path, err = p, nil
				break
			}
		}
	}
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env, cmd.SysProcAttr = scriptEnv(ts), ownGroup()
	j := &job{cmd: cmd, done: make(chan struct{}), more: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = j, j
	read := make(chan struct{}) // closed at the end of the terminal's output
	close(read)
	if tty {
		master, slave, err := terminal.Open(terminal.Size{Rows: 24, Columns: 80})
		ts.Check(err)
		j.tty, read = master, make(chan struct{})
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr = controllingTerminal()
		defer slave.Close()
		go func() {
			_, _ = io.Copy(j, master) // ends with EIO
			close(read)
		}()
		ts.Defer(func() { master.Close() })
	}
	ts.Check(cmd.Start())
	go func() {
		_ = cmd.Wait()
		<-read
		close(j.done)
	}()
	ts.Value(jobs{}).(map[string]*job)[args[0]] = j
	ts.Defer(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // on Windows, or it has ended
			_ = cmd.Process.Kill()
		}
		select {
		case <-j.done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-j.done
		}
		if text, _ := j.text(); ts.Value(jobs{}).(map[string]*job)[args[0]] == j {
			ts.Logf("[output of %s]\n%s", args[0], text)
		}
	})
}

// scriptEnv is the current environment of the script.
func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range scriptVars {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// scriptVars are the variables that jobs inherit.
var scriptVars = []string{
	"PATH", "HOME", "TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR", "WORK", "ROOT", "TZ", "PORT", "TERM",
	"DEVPORTS_HOME", "DEVPORTS_RANGE", "DEVPORTS_FRONT", "DEVPORTS_REGISTRY", "DEVPORTS_WORKTREE", "DEVPORTS_PROJECT",
	"NO_COLOR", "FORCE_COLOR", "BROWSER", "DOCKER_HOST", "CONTAINER_HOST", "LOG_LEVEL", "GREETING", "P", "CHECKOUT_GONE",
	"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN", "CGO_ENABLED", "GOCOVERDIR", "GORACE",
}

// until PROGRAM [ARG…] runs a program until it succeeds. Its last output is that of
// the command.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: until PROGRAM [ARG…]")
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s: not after %v: %v", strings.Join(args, " "), patience, err)
		}
	}
}

// await NAME REGEXP [COUNT] waits until the job has printed COUNT matches; the
// default is 1.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: await NAME REGEXP [COUNT]")
	}
	j, count := find(ts, args[0]), 1
	if len(args) == 3 {
		var err error
		count, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	late := time.After(patience)
	for ended := false; ; {
		text, more := j.text()
		if len(pattern.FindAllStringIndex(text, -1)) >= count {
			return
		}
		if ended {
			ts.Fatalf("%s ended without printing %q; it printed:\n%s", args[0], args[1], text)
		}
		select {
		case <-more:
		case <-j.done:
			ended = true // check its last output once more
		case <-late:
			ts.Fatalf("%s has not printed %q after %v; it printed:\n%s", args[0], args[1], patience, text)
		}
	}
}

// output NAME writes the output of the job to the script's stdout.
func cmdOutput(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: output NAME")
	}
	text, _ := find(ts, args[0]).text()
	_, err := io.WriteString(ts.Stdout(), text)
	ts.Check(err)
}

var signals = map[string]os.Signal{
	"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT,
}

// signal [-watchdog] NAME SIGNAL; with -watchdog the watchdog of an `up` gets
// it at the same time.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	both := len(args) > 0 && args[0] == "-watchdog"
	if both {
		args = args[1:]
	}
	if neg || len(args) != 2 || signals[args[1]] == nil {
		ts.Fatalf("usage: signal [-watchdog] NAME INT|TERM|KILL|HUP|QUIT")
	}
	j := find(ts, args[0])
	if both {
		watchdog, err := os.FindProcess(watchdogOf(ts, j.cmd.Process.Pid))
		ts.Check(err)
		// It must not react to the end of the `up` before it gets the signal.
		ts.Check(watchdog.Signal(stopSignal))
		defer func() { ts.Check(watchdog.Signal(signals[args[1]])) }()
	}
	ts.Check(sendSignal(j.cmd.Process, signals[args[1]]))
}

// watchdogOf waits for the watchdog of an `up`, and returns it.
func watchdogOf(ts *testscript.TestScript, pid int) int {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		children, err := proctree.Children(pid)
		ts.Check(err)
		for _, child := range children {
			if system.IsWatchdog(strings.Fields(process.Command(child))) {
				return child
			}
		}
	}
	ts.Fatalf("pid %d has no watchdog", pid)
	return 0
}

// pid VARIABLE NAME stores the pid of the job in a variable.
func cmdPID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: pid VARIABLE NAME")
	}
	ts.Setenv(args[0], strconv.Itoa(find(ts, args[1]).cmd.Process.Pid))
}

// resize NAME ROWS COLUMNS
func cmdResize(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: resize NAME ROWS COLUMNS")
	}
	rows, err := strconv.Atoi(args[1])
	ts.Check(err)
	columns, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(terminal.Resize(find(ts, args[0]).tty, terminal.Size{Rows: rows, Columns: columns}))
}

// type NAME TEXT types at the job's terminal; \t is the tab key, \n the return
// key, ^C, ^S and ^] the keys of that name.
func cmdType(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: type NAME TEXT")
	}
	_, err := io.WriteString(find(ts, args[0]).tty, strings.NewReplacer(`\t`, "\t", `\n`, "\r", "^C", "\x03", "^S", "\x13", "^]", "\x1d").Replace(args[1]))
	ts.Check(err)
}

// finish NAME [STATUS] waits for the end of the job, with STATUS; the default
// is 0.
func cmdFinish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: finish NAME [STATUS]")
	}
	j, want := find(ts, args[0]), "0"
	if len(args) == 2 {
		want = args[1]
	}
	select {
	case <-j.done:
	case <-time.After(patience):
		text, _ := j.text()
		ts.Fatalf("%s has not ended after %v; it printed:\n%s", args[0], patience, text)
	}
	if got := strconv.Itoa(j.cmd.ProcessState.ExitCode()); got != want {
		text, _ := j.text()
		ts.Fatalf("%s ended with status %s, want %s; it printed:\n%s", args[0], got, want, text)
	}
}

// get URL [REGEXP] requests a page until there is one that matches, and writes
// it to stdout.
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: get URL [REGEXP]")
	}
	pattern := regexp.MustCompile("")
	if len(args) == 2 {
		pattern = regexp.MustCompile(args[1])
	}
	client := http.Client{Timeout: 5 * time.Second}
	var body []byte
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var response *http.Response
		if response, err = client.Get(args[0]); err != nil {
			continue
		}
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && response.StatusCode == http.StatusOK && pattern.Match(body) {
			_, err = ts.Stdout().Write(body)
			ts.Check(err)
			return
		}
	}
	ts.Fatalf("%s: %v, %q", args[0], err, body)
}

// post URL BODY posts once and writes the response to stdout. A status other
// than 2xx is an error.
func cmdPost(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: post URL BODY")
	}
	client := http.Client{Timeout: patience}
	response, err := client.Post(args[0], "application/json", strings.NewReader(args[1]))
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if response.StatusCode/100 != 2 {
		ts.Fatalf("%s: %s, %q", args[0], response.Status, body)
	}
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
}

// capture VARIABLE PROGRAM [ARG…] runs a program and stores its output.
func cmdCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: capture VARIABLE PROGRAM [ARG…]")
	}
	ts.Check(ts.Exec(args[1], args[2:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// install PROGRAM FOLDER copies a program of the scripts to a new directory,
// where it has the extension of programs.
func cmdInstall(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: install PROGRAM FOLDER")
	}
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	content, err := os.ReadFile(path)
	ts.Check(err)
	directory := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(directory, 0o755))
	ts.Check(writeProgram(filepath.Join(directory, filepath.Base(path)), content))
}

// writeProgram writes a program. No process is forked meanwhile: until its own exec
// it would have the file open for writing, and Linux executes no such file.
func writeProgram(path string, content []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, content, 0o755)
}

// edit FILE OLD NEW replaces text in a file as editors do: a new file is
// renamed to the old name.
func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	path := ts.MkAbs(args[0])
	text := ts.ReadFile(args[0])
	unescape := strings.NewReplacer(`\n`, "\n")
	older := unescape.Replace(args[1])
	if !strings.Contains(text, older) {
		ts.Fatalf("%s does not contain %q", args[0], older)
	}
	edited := filepath.Join(ts.Getenv("WORK"), ".tmp", "edited") // not in a folder that is watched
	ts.Check(os.WriteFile(edited, []byte(strings.Replace(text, older, unescape.Replace(args[2]), 1)), 0o644))
	ts.Check(os.Rename(edited, path))
}

// nothing [DURATION] fails if a process is left that a devports of this script
// has started, even indirectly: all have its DEVPORTS_HOME in their
// environment. Running jobs do not count. Processes may still be exiting during
// the duration.
func cmdNothing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: nothing [DURATION]")
	}
	end := time.Now()
	if len(args) == 1 {
		grace, err := time.ParseDuration(args[0])
		ts.Check(err)
		end = end.Add(grace)
	}
	left := func() (list []string) {
		for _, pid := range allPIDs(ts) {
			environ, err := process.Environ(pid)
			if err != nil || !slices.Contains(environ, "DEVPORTS_HOME="+ts.Getenv("DEVPORTS_HOME")) {
				continue
			}
			if !slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "DEVPORTS_SERVICE=") }) {
				continue
			}
			command := process.Command(pid)
			if command == "" {
				continue // gone, or a zombie
			}
			list = append(list, fmt.Sprintf("%d %q", pid, command))
		}
		return list
	}
	list := left()
	for len(list) > 0 && time.Now().Before(end) {
		time.Sleep(10 * time.Millisecond)
		list = left()
	}
	if len(list) > 0 {
		ts.Fatalf("still there: %s", strings.Join(list, ", "))
	}
}

// alive FILE… fails unless the processes whose PIDs the files hold are alive;
// with "!", unless none is. Zombies are not alive.
func cmdAlive(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		if lives(ts, file) == neg {
			ts.Fatalf("the process of %s: alive is %v", file, !neg)
		}
	}
}

// gone FILE… waits until none of the processes is alive whose PIDs the files
// hold.
func cmdGone(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: gone FILE…")
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		args = slices.DeleteFunc(args, func(file string) bool { return !lives(ts, file) })
		if len(args) == 0 {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("still alive: the processes of %v", args)
		}
	}
}

// environ PID writes the environment of a process to stdout. On macOS that of
// Apple's own programs is not readable.
func cmdEnviron(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: environ PID")
	}
	pid, err := strconv.Atoi(args[0])
	ts.Check(err)
	environ, err := process.Environ(pid)
	ts.Check(err)
	_, err = fmt.Fprintln(ts.Stdout(), strings.Join(environ, "\n"))
	ts.Check(err)
}

// cmdline PID writes the command line of a process to stdout.
func cmdCommandLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cmdline PID")
	}
	pid, err := strconv.Atoi(args[0])
	ts.Check(err)
	_, err = fmt.Fprintln(ts.Stdout(), process.Command(pid))
	ts.Check(err)
}

// mode FILE MODE fails unless the file has the permissions, in octal. On
// Windows, where they mean nothing, any file has them.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[1] && runtime.GOOS != "windows" {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func lives(ts *testscript.TestScript, file string) bool {
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(file)))
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(file))
	ts.Check(err)
	p, err := process.ReadStat(pid)
	if !errors.Is(err, fs.ErrNotExist) {
		ts.Check(err)
	}
	// A process that has got the pid since started after the file was written.
	return err == nil && !p.Zombie && !p.Started().After(info.ModTime().Add(time.Second))
}
