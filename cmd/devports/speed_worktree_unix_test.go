//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkWorktree times what it takes from git worktree add, with devports up
// -d, to the first page with the data of the new worktree, in the project of
// examples/worktrees: the total, the time that the step of its setup takes,
// and the rest, which is wanted below 3 s. Of the rest, web and db are what
// these take to be ready: go run links web, which needs most of it. Either the
// main checkout runs, and so does the shared PostgreSQL, or nothing does.
func BenchmarkWorktree(b *testing.B) {
	if !conditions["postgres"]("") {
		b.Skip("there is no PostgreSQL server and psql")
	}
	if !conditions["modules"]("examples/worktrees/notes") {
		b.Skip("the modules of examples/worktrees/notes cannot be had")
	}
	for _, c := range []struct {
		name string
		main bool // the main checkout runs
	}{{"beside the main checkout", true}, {"nothing runs", false}} {
		b.Run(c.name, func(b *testing.B) {
			project := newNotes(b)
			project.run("shop", project.devports, "up", "-d")
			if !c.main {
				project.run("shop", project.devports, "down", "--all")
			}
			var total, step, web, db time.Duration
			n := 0
			for b.Loop() {
				n++
				t, s := project.open(fmt.Sprint("fix", n))
				total, step = total+t, step+s
				b.StopTimer()
				web += project.readyAfter("fix"+strconv.Itoa(n), "web")
				db += project.readyAfter("fix"+strconv.Itoa(n), "db")
				project.run("fix"+strconv.Itoa(n), project.devports, "down")
				project.run("shop", "git", "worktree", "remove", "--force", "../fix"+strconv.Itoa(n))
				if !c.main {
					project.end()
				}
				b.StartTimer()
			}
			b.ReportMetric(total.Seconds()/float64(n), "s-total")
			b.ReportMetric(step.Seconds()/float64(n), "s-step")
			b.ReportMetric((total-step).Seconds()/float64(n), "s-rest")
			b.ReportMetric(web.Seconds()/float64(n), "s-web")
			if !c.main {
				b.ReportMetric(db.Seconds()/float64(n), "s-db")
			}
		})
	}
}

// notes is a copy of the project of examples/worktrees in a git repository.
type notes struct {
	b        *testing.B
	dir      string
	devports string
}

func newNotes(b *testing.B) notes {
	dir, err := os.MkdirTemp("", "worktree")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // root runs PostgreSQL as another user
		b.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		b.Fatal(err)
	}
	n := notes{b, dir, filepath.Join(dir, "devports")}
	if out, err := staticBuild(n.devports, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.Setenv("DEVPORTS_HOME", filepath.Join(dir, "home"))
	b.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	b.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	n.run("", "cp", "-r", filepath.Join(root, "examples/worktrees/notes"), "shop")
	n.run("shop", "cp", filepath.Join(root, "examples/stack/postgres.sh"), ".")
	n.timeStep()
	n.run("shop", "git", "init", "-q")
	n.run("shop", "git", "add", ".")
	n.run("shop", "git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "first")
	b.Cleanup(n.end)
	return n
}

// timeStep makes the step write the times of its start and its end to files.
func (n notes) timeStep() {
	path := filepath.Join(n.dir, "shop", "Portfile")
	text, err := os.ReadFile(path)
	if err != nil {
		n.b.Fatal(err)
	}
	first, last := "= 'dropdb", "schema.sql'"
	if strings.Count(string(text), first) != 1 || strings.Count(string(text), last) != 1 {
		n.b.Fatalf("no step to time in\n%s", text)
	}
	timed := strings.NewReplacer(first, "= 'date +%s%N >.began; dropdb", last, "schema.sql && date +%s%N >.ended'", `"notes"`, `"shop"`).Replace(string(text))
	if err := os.WriteFile(path, []byte(timed), 0o644); err != nil {
		n.b.Fatal(err)
	}
}

// run runs a command in a checkout.
func (n notes) run(checkout string, args ...string) string {
	n.b.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Join(n.dir, checkout)
	var messages strings.Builder
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		n.b.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, &messages)
	}
	return strings.TrimSpace(string(out))
}

// open adds a worktree and starts it, and returns how long it took until its page
// showed its data, and how long its step took.
func (n notes) open(worktree string) (total, step time.Duration) {
	n.b.Helper()
	began := time.Now()
	n.run("shop", "git", "worktree", "add", "-q", "../"+worktree)
	n.run(worktree, n.devports, "up", "-d")
	address := "http://127.0.0.1:" + n.run(worktree, n.devports, "port", "web")
	response, err := http.Get(address)
	if err != nil {
		n.b.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	response.Body.Close()
	if want := "the first note in shop_" + worktree + "\n"; err != nil || string(page) != want {
		n.b.Fatalf("%q, %v; want %q", page, err, want)
	}
	total = time.Since(began)
	return total, n.stamp(worktree, ".ended").Sub(n.stamp(worktree, ".began"))
}

func (n notes) stamp(worktree, name string) time.Time {
	text, err := os.ReadFile(filepath.Join(n.dir, worktree, name))
	if err != nil {
		n.b.Fatal(err)
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		n.b.Fatal(err)
	}
	return time.Unix(0, ns)
}

// readyAfter is how long a service took from its start until it was ready.
func (n notes) readyAfter(worktree, service string) time.Duration {
	n.b.Helper()
	var printed struct {
		Runs []struct {
			Services []struct {
				Service string
				ReadyMS float64 `json:"ready_ms"`
			}
		}
	}
	if err := json.Unmarshal([]byte(n.run(worktree, n.devports, "ps", "--json")), &printed); err != nil {
		n.b.Fatal(err)
	}
	for _, r := range printed.Runs {
		for _, s := range r.Services {
			if s.Service == service {
				return time.Duration(s.ReadyMS * float64(time.Millisecond))
			}
		}
	}
	n.b.Fatalf("%s has no %s", worktree, service)
	return 0
}

// end stops everything and waits until it has ended.
func (n notes) end() {
	cmd := exec.Command(n.devports, "down", "--all")
	cmd.Dir = filepath.Join(n.dir, "shop")
	_ = cmd.Run() // it may not run
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		runs, err := exec.Command(n.devports, "ps", "--all").Output()
		if len(runs) == 0 {
			return
		}
		if time.Now().After(deadline) {
			n.b.Fatalf("something still runs: %s, %v", runs, err)
		}
	}
}
