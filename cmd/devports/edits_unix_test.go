//go:build unix

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
)

var editsFlag = flag.Int("edits", 50, "how many edits TestEditThenAsk and TestEditThenRestart make each")

// editsRun is a run in the background whose files are edited.
type editsRun struct {
	t    *testing.T
	dir  string
	env  []string
	url  string
	want answered // the expected answer after the latest edit
}

// startEdits starts the run, with its own range of ports.
func startEdits(t *testing.T, first int) *editsRun {
	r := &editsRun{t: t, dir: t.TempDir(), want: answered{Code: "0", Setting: "0", Word: "0"}}
	runtime, err := os.MkdirTemp("", "edits") // t.TempDir is too long for a socket
	r.must(err)
	t.Cleanup(func() { os.RemoveAll(runtime) })
	r.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "TMPDIR=" + os.TempDir(), "XDG_RUNTIME_DIR=" + runtime,
		"DEVPORTS_HOME=" + t.TempDir(), fmt.Sprintf("DEVPORTS_RANGE=%d-%d", first, first+49), "GORACE=atexit_sleep_ms=0",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a",
	}
	r.write("main.txt", "0")
	r.write(".env", "SETTING=0\n")
	r.write("Portfile", portfileWith("0"))
	r.write(".gitignore", "starts\n*.new\n")
	if r.git("init", "-q") {
		r.git("add", ".")
		r.git("commit", "-qm", "x")
	}
	r.devports("up", "-d")
	t.Cleanup(func() { r.devports("down") })
	r.url = "http://127.0.0.1:" + strings.TrimSpace(r.devports("port", "web"))
	return r
}

func portfileWith(word string) string {
	return fmt.Sprintf("[services.web]\ncommand = [\"recite\", \"main.txt\", %q]\nwatch = [\"*.txt\"]\n", word)
}

func (r *editsRun) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *editsRun) path(name string) string { return filepath.Join(r.dir, name) }

func (r *editsRun) write(name, text string) {
	r.t.Helper()
	r.must(os.WriteFile(r.path(name), []byte(text), 0o600))
}

// replace replaces a file with another.
func (r *editsRun) replace(name, text string) {
	r.t.Helper()
	r.write(name+".new", text)
	r.must(os.Rename(r.path(name+".new"), r.path(name)))
}

// git runs git, and reports whether it succeeded.
func (r *editsRun) git(args ...string) bool {
	if _, err := exec.LookPath("git"); err != nil {
		return false
	}
	r.command("git", args...)
	return true
}

func (r *editsRun) devports(args ...string) string {
	r.t.Helper()
	return r.command("devports", args...)
}

func (r *editsRun) command(name string, args ...string) string {
	r.t.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Env = r.dir, r.env
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		r.t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, stderr.String())
	}
	return string(out)
}

func (r *editsRun) get() (is answered) {
	r.t.Helper()
	response, err := http.Get(r.url)
	r.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	r.must(err)
	r.must(json.Unmarshal(text, &is))
	return is
}

// starts is the number of processes that the service has had.
func (r *editsRun) starts() int {
	text, err := os.ReadFile(r.path("starts"))
	r.must(err)
	return strings.Count(string(text), "\n")
}

// edits are ways of changing files. After each the service answers
// with value.
var edits = []struct {
	name string
	edit func(r *editsRun, value string)
}{
	{"code written in place", func(r *editsRun, value string) {
		r.want.Code = value
		r.write("main.txt", value)
	}},
	{"code replaced", func(r *editsRun, value string) {
		r.want.Code = value
		r.replace("main.txt", value)
	}},
	{"code removed and made again", func(r *editsRun, value string) {
		r.want.Code = value
		r.must(os.Remove(r.path("main.txt")))
		r.write("main.txt", value)
	}},
	{"code appended to", func(r *editsRun, value string) {
		r.want.Code += value
		f, err := os.OpenFile(r.path("main.txt"), os.O_APPEND|os.O_WRONLY, 0)
		r.must(err)
		_, err = f.WriteString(value)
		r.must(err)
		r.must(f.Close())
	}},
	{"code touched", func(r *editsRun, _ string) { r.command("touch", "main.txt") }},
	{"env file written in place", func(r *editsRun, value string) {
		r.want.Setting = value
		r.write(".env", "SETTING="+value+"\n")
	}},
	{"env file replaced", func(r *editsRun, value string) {
		r.want.Setting = value
		r.replace(".env", "SETTING="+value+"\n")
	}},
	{"Portfile written in place", func(r *editsRun, value string) {
		r.want.Word = value
		r.write("Portfile", portfileWith(value))
	}},
	{"Portfile replaced", func(r *editsRun, value string) {
		r.want.Word = value
		r.replace("Portfile", portfileWith(value))
	}},
	{"Portfile removed and made again", func(r *editsRun, value string) {
		r.want.Word = value
		r.must(os.Remove(r.path("Portfile")))
		r.write("Portfile", portfileWith(value))
	}},
	{"code, then what is watched", func(r *editsRun, value string) {
		r.want.Code = value
		r.write("main.txt", value)
		r.replace("Portfile", strings.ReplaceAll(portfileWith(r.want.Word), `"*.txt"`, fmt.Sprintf(`"*.txt", "!%s"`, value)))
	}},
	{"all at once", func(r *editsRun, value string) {
		r.want = answered{Code: value, Setting: value, Word: value}
		r.write("main.txt", value)
		r.write(".env", "SETTING="+value+"\n")
		r.write("Portfile", portfileWith(value))
	}},
	{"another branch checked out", func(r *editsRun, value string) {
		if !r.git("add", ".") {
			return
		}
		r.git("commit", "-q", "--allow-empty", "-m", "x")
		r.git("worktree", "add", "-q", "-b", value, r.path("../"+value))
		other := *r
		other.dir = r.path("../" + value)
		r.want = answered{Code: value, Setting: value, Word: value}
		other.write("main.txt", value)
		other.write(".env", "SETTING="+value+"\n")
		other.write("Portfile", portfileWith(value))
		other.git("commit", "-qam", "x")
		other.git("checkout", "-q", "--detach")
		r.git("checkout", "-q", value)
	}},
}

// Services that are ready when a command returns have read the edits made
// before. For a long run:
//
//	go test ./cmd/devports -run 'TestEditThen' -edits 1000 -timeout 30m
func TestEditThenAsk(t *testing.T) {
	t.Parallel()
	r := startEdits(t, 8000)
	old := 0
	for i := range *editsFlag {
		e := edits[i%len(edits)]
		before := r.get()
		e.edit(r, fmt.Sprintf("v%d", i+1))
		if i%3 == 2 { // its services are ready now
			var printed struct{ Runs []control.Info }
			r.must(json.Unmarshal([]byte(r.devports("ps", "--json")), &printed))
			if st := printed.Runs[0].Services[0]; st.State == launcher.StateReady && st.PID == before.PID && !st.Outdated {
				t.Errorf("round %d: %s, and ps has the old process as ready", i, e.name)
			}
		}
		r.devports([][]string{{"wait"}, {"wait", "web"}, {"up", "-d"}, {"start"}}[i%4]...)
		is := r.get()
		r.want.PID = is.PID
		if is != r.want || is.PID == before.PID {
			old++
			t.Errorf("round %d: %s: %+v, want %+v, and not pid %d", i, e.name, is, r.want, before.PID)
		}
	}
	t.Logf("%d of %d answers were old", old, *editsFlag)
}

// An edit and a restart are one new process. The request comes from this
// process: on a busy machine a program may take so long to start that the edit
// has already been applied, and the restart is a second one. That may happen here,
// too, but not ten times in a row.
func TestEditThenRestart(t *testing.T) {
	t.Parallel()
	r := startEdits(t, 8050)
	client := control.Dial(strings.TrimSpace(r.devports("ps", "--socket")))
	for i, again := 0, 0; i < *editsFlag; {
		e := edits[i%len(edits)]
		before := r.starts()
		e.edit(r, fmt.Sprintf("v%d.%d", i+1, again))
		_, err := client.Restart(t.Context(), [][]string{nil, {"web"}}[i%2]...)
		r.must(err)
		r.devports("wait")
		is := r.get()
		r.want.PID = is.PID
		if is != r.want {
			t.Errorf("round %d: %s: %+v, want %+v", i, e.name, is, r.want)
		}
		r.devports("wait") // late restarts have happened by then
		n := r.starts() - before
		if again++; n > 1 && again < 10 {
			continue
		}
		if n != 1 {
			t.Errorf("round %d: %s, then restart: %d new processes", i, e.name, n)
		}
		i, again = i+1, 0
	}
}
