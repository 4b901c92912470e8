package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// dockerEngine is a Docker engine for the tests, with the image bb:1, which has
// busybox. It needs root, and Debian's docker.io and busybox-static.
type dockerEngine struct {
	dir    string // "" if there is none
	reason string // why there is none
	daemon *exec.Cmd
}

var testEngine = sync.OnceValue(startEngine)

// engineStarted is set once testEngine was called.
var engineStarted sync.Once

// startTimeout is how long a daemon may take on a busy machine.
const startTimeout = 60 * time.Second

func startEngine() dockerEngine {
	if os.Getuid() != 0 {
		return dockerEngine{reason: "it needs root"}
	}
	for _, program := range []string{"docker", "dockerd", "containerd", "busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			return dockerEngine{reason: program + " is not installed"}
		}
	}
	dir, err := os.MkdirTemp("", "engine")
	if err != nil {
		return dockerEngine{reason: err.Error()}
	}
	e := dockerEngine{dir: dir}
	// A daemon that closes every possible descriptor before an exec is slow with
	// a high limit. The tests need no network but the proxy of ports.
	e.daemon = exec.Command("sh", "-c", `ulimit -n 4096; exec dockerd --data-root "$0/data" --exec-root "$0/exec" -H "unix://$0/s" -p "$0/pid" \
		--iptables=false --fixed-cidr=172.17.9.0/24 --ip6tables=false --storage-driver=vfs --default-ulimit nofile=1024:1024 >"$0/log" 2>&1`, dir)
	// Without the fake docker-proxy of scripts.
	e.daemon.Env = append(os.Environ(), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	e.daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := e.daemon.Start(); err != nil {
		os.RemoveAll(dir)
		return dockerEngine{reason: err.Error()}
	}
	image := exec.Command("sh", "-c", `mkdir -p img/bin img/tmp img/www config/cli-plugins && cp "$(command -v busybox)" img/bin/busybox &&
		for a in sh env test httpd sleep cat echo touch ls kill; do ln -s busybox img/bin/$a; done && tar -C img -c . | docker import - bb:1`)
	image.Dir, image.Env = dir, append(os.Environ(), e.environ()...)
	for end := time.Now().Add(startTimeout); ; {
		if _, err := os.Stat(filepath.Join(dir, "s")); err == nil {
			break
		}
		if time.Now().After(end) {
			return e.failed("dockerd does not listen")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if out, err := image.CombinedOutput(); err != nil {
		return e.failed("cannot import an image: " + string(out))
	}
	if out, err := exec.Command("docker", "-H", "unix://"+dir+"/s", "run", "--rm", "bb:1", "echo", "runs").CombinedOutput(); err != nil {
		return e.failed("containers do not run: " + strings.TrimSpace(string(out)))
	}
	if plugin := os.Getenv("COMPOSE_PLUGIN"); plugin != "" {
		_ = os.Symlink(plugin, filepath.Join(dir, "config/cli-plugins/docker-compose"))
	}
	return e
}

func (e dockerEngine) failed(reason string) dockerEngine {
	e.stop()
	return dockerEngine{reason: reason}
}

func (e dockerEngine) environ() []string {
	return []string{"DOCKER_HOST=unix://" + e.dir + "/s", "DOCKER_CONFIG=" + e.dir + "/config"}
}

// stop ends the daemon with its containers, and removes its files.
func (e dockerEngine) stop() {
	if e.dir == "" {
		return
	}
	ended := make(chan struct{})
	go func() { _ = e.daemon.Wait(); close(ended) }()
	_ = e.daemon.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-e.daemon.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], e.dir+"/") {
			_ = syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
	_ = os.RemoveAll(e.dir)
}

// withEngine stops the engine after the tests.
type withEngine struct{ m testscript.TestingM }

func (w withEngine) Run() int {
	status := w.m.Run()
	used := true
	engineStarted.Do(func() { used = false })
	if used {
		testEngine().stop()
	}
	return status
}

// has reports whether there is an engine, with a version of compose unless that
// is "".
func (e dockerEngine) has(compose string) bool {
	argv, known := map[string][]string{"1": {"docker-compose", "version", "--short"}, "2": {"docker", "compose", "version", "--short"}}[compose]
	if e.dir == "" || !known {
		return e.dir != "" && compose == ""
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), e.environ()...)
	out, err := cmd.Output()
	return err == nil && (compose == "2" || strings.HasPrefix(string(out), "1."))
}

func init() {
	conditions["engine"] = func(compose string) bool {
		engineStarted.Do(func() {})
		return testEngine().has(compose)
	}
	scriptCommands["dockerd"] = cmdDockerd
}

// cmdDockerd lets a script use the engine of the tests: dockerd [1|2], with this
// version of compose.
func cmdDockerd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: dockerd [1|2]")
	}
	e := testEngine()
	for _, entry := range e.environ() {
		name, value, _ := strings.Cut(entry, "=")
		ts.Setenv(name, value)
	}
	if len(args) == 1 && args[0] == "1" { // without the plugin
		ts.Setenv("DOCKER_CONFIG", filepath.Join(e.dir, "plain"))
	}
}
