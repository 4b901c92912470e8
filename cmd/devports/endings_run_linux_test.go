package main

import (
	crand "crypto/rand"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/terminal"
)

// endingsRun is one run that TestEndings ends.
type endingsRun struct {
	way    way
	tty    bool
	early  bool // it ends at a random moment during its start
	number int
	draw   *rand.Rand
	table  *endingsTable

	t      *testing.T
	dir    string
	env    []string
	mark   string // in the arguments of all processes that the run must end
	spared string // in the arguments of bystanders
	up     process.ID
	other  []process.ID // another project's run: devports, its watchdog, its service
	master *os.File     // of the terminal, or the read end of the output
	output *job
	read   chan struct{} // closed at the end of master
}

func (r endingsRun) run(t *testing.T) {
	r.t, r.dir = t, t.TempDir()
	number, err := crand.Int(crand.Reader, big.NewInt(1e6))
	r.must(err)
	r.mark, r.spared = fmt.Sprintf("3600.%06d", number), fmt.Sprintf("7200.%06d", number)
	r.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "TMPDIR=" + os.TempDir(), "TERM=xterm", "TZ=UTC",
		"DEVPORTS_HOME=" + filepath.Join(r.dir, ".state"), "BROWSER=" + filepath.Join(r.dir, "browser"),
		fmt.Sprintf("DEVPORTS_RANGE=%d-%d", 29000+r.number%30*100, 29099+r.number%30*100),
		"GORACE=atexit_sleep_ms=0",
	}
	r.write()
	defer r.cleanUp()
	r.start()
	if r.early {
		r.awaitDevports()
		<-time.After(time.Duration(r.draw.IntN(400)) * time.Millisecond)
	} else {
		r.awaitBeginning()
	}
	beside, before := r.bystanders(), r.processes()
	r.count(r.end())
	r.countBystanders(beside)
	if t.Failed() {
		t.Logf("[before]\n%s", before)
	}
}

func (r *endingsRun) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *endingsRun) path(name string) string { return filepath.Join(r.dir, name) }

func (r *endingsRun) text(name string) string {
	text, _ := os.ReadFile(r.path(name))
	return string(text)
}

// kinds are the kinds of descendants that this machine permits.
func (r *endingsRun) kinds() (list []kind) {
	for _, k := range kinds {
		if k.here == nil || k.here() {
			list = append(list, k)
		}
	}
	return list
}

// marked replaces the marks in a command.
func (r *endingsRun) marked(text string, n int) string {
	pause := "0.02"
	if r.number%4 == 0 && *chainsFlag {
		pause = "0"
	}
	return strings.NewReplacer("{M}", r.markOf(n), "{B}", r.sparedOf(n), "{P}", pause).Replace(text)
}

func (r *endingsRun) markOf(n int) string { return fmt.Sprintf("%s%02d", r.mark, n) }

func (r *endingsRun) sparedOf(n int) string { return fmt.Sprintf("%s%02d", r.spared, n) }

// write writes the files of the project and of the other project.
func (r *endingsRun) write() {
	timeout := "400ms"
	if r.way == wayTwice {
		timeout = "60s"
	}
	var portfile strings.Builder
	service := func(name, command string, n int) {
		timeout := timeout
		if name == "tidy" {
			timeout = "15s" // which must never be used up
		}
		fmt.Fprintf(&portfile, "[services.%s]\nport = false\nstop_timeout = '%s'\ncommand = '''%s'''\n", name, timeout, r.marked(command, n))
	}
	for n, k := range r.kinds() {
		service(k.service, k.command, n)
	}
	for n, b := range bystandersOn(r.tty) {
		if b.service != "" {
			service(b.service, b.command, n+50)
		}
	}
	service("inner", `cd other && devports up -d && exec sleep {M}`, 70)
	service("quick", `true`, 71)
	fmt.Fprintf(&portfile, "[services.app]\ncommand = 'exec serve %s'\n", r.markOf(72))
	sleep, err := exec.LookPath("sleep")
	r.must(err)
	program, err := os.ReadFile(sleep)
	r.must(err)
	to := ">"
	if r.tty || r.way == wayClosed {
		to = "2>"
	}
	r.must(os.Mkdir(r.path("other"), 0o755))
	r.must(os.Mkdir(r.path("nested"), 0o755))
	nested := slices.IndexFunc(r.kinds(), func(k kind) bool { return k.service == "nested" })
	for name, text := range map[string]string{
		"Portfile": portfile.String(), "other/Portfile": "[services.web]\ncommand = 'exec serve'\n",
		"nested/Portfile": r.marked("[services]\nweb = { command = '(env -i setsid sleep {M} &); exec sleep {M}', port = false }\n", nested),
		"chain.sh":        chainScript, "leaving.sh": leavingScript, "browser": r.marked(browserScript, 53),
		"job.sh": r.marked(jobScript, 50), "up.sh": strings.ReplaceAll(r.marked(upScript, 50), "{TO}", to), "gpg-agent": string(program),
	} {
		r.must(writeProgram(r.path(name), []byte(text)))
	}
}

// start starts devports from a shell. On every second terminal another
// shell leads the session.
func (r *endingsRun) start() {
	cmd := exec.Command("bash", "up.sh")
	if r.tty && r.draw.IntN(2) == 0 {
		cmd = exec.Command("sh", "-c", "bash up.sh; exit 0")
	}
	if *untaggedFlag {
		cmd = exec.Command("prlimit", append([]string{"--rttime=1000000000"}, cmd.Args...)...)
	}
	cmd.Dir, cmd.Env = r.dir, r.env
	r.output, r.read = &job{more: make(chan struct{})}, make(chan struct{})
	var theirs *os.File
	var err error
	if r.tty {
		r.master, theirs, err = terminal.Open(terminal.Size{Rows: 50, Columns: 200})
		cmd.Stdin, cmd.SysProcAttr = theirs, controllingTerminal()
	} else {
		r.master, theirs, err = os.Pipe()
	}
	r.must(err)
	defer theirs.Close()
	cmd.Stdout, cmd.Stderr = theirs, theirs
	go func() {
		defer close(r.read)
		_, _ = io.Copy(r.output, r.master)
	}()
	r.must(cmd.Start())
	go func() { _ = cmd.Wait() }()
}

// until waits for a condition.
func (r *endingsRun) until(what string, happened func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("after %v, not yet: %s\n%s", patience, what, r.processes())
		}
	}
}

// awaitBeginning waits until all processes of the run are started.
func (r *endingsRun) awaitBeginning() {
	r.awaitDevports()
	r.until("the server", func() bool { return r.server("app") != process.ID{} })
	r.must(os.WriteFile(r.path("began"), nil, 0o600))
	if r.tty {
		_, err := r.master.WriteString("gapp\ro") // pick app, and open it
		r.must(err)
	}
	for n, k := range r.kinds() {
		r.until(k.name, func() bool {
			sleeps, stopped := 0, 0
			for _, p := range findMarked(r.markOf(n)) {
				if p.sleeping(r.markOf(n)) && !p.Stopped {
					sleeps++
				}
				if p.Stopped {
					stopped++
				}
			}
			for _, file := range k.files {
				if _, err := os.Stat(r.path(file)); err != nil {
					return false
				}
			}
			return sleeps >= k.sleeps && stopped >= k.stopped
		})
	}
	for n, b := range bystandersOn(r.tty) {
		r.until(b.name, func() bool { return len(r.sleepers(n+50)) == b.sleeps })
	}
	r.until(another, func() bool {
		web := r.server("other/web")
		if len(findMarked(r.markOf(70))) != 1 || web.PID == 0 {
			return false
		}
		stat, err := process.ReadStat(web.PID)
		r.must(err)
		devports, err := process.Find(stat.Parent)
		r.must(err)
		watchdog, ok := r.watchdogOf(devports.PID)
		r.other = []process.ID{devports, watchdog, web}
		return ok
	})
}

func (r *endingsRun) awaitDevports() {
	r.until("devports", func() bool {
		pid, err := strconv.Atoi(strings.TrimSpace(r.text("pid")))
		if err != nil {
			return false
		}
		r.up, err = process.Find(pid)
		return err == nil && strings.HasPrefix(process.Command(pid), "devports up")
	})
}

// bystanders returns the live bystanders by kind.
func (r *endingsRun) bystanders() map[string][]process.ID {
	list := map[string][]process.ID{another: r.other}
	for n, b := range bystandersOn(r.tty) {
		list[b.name] = r.sleepers(n + 50)
	}
	return list
}
