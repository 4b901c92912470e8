package front

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/allocator/holder/engine"
)

// startDocker starts a Docker engine that has the image bb:1, which serves "box"
// over HTTP. It returns a function that runs a command of docker.
func startDocker(t *testing.T) (docker func(args ...string) string, host string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("dockerd needs root")
	}
	for _, program := range []string{"dockerd", "docker", "containerd", "busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	dir, err := os.MkdirTemp("", "docker") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	host = "unix://" + dir + "/s"
	// With a high limit, runc is slow to close every possible descriptor.
	daemon := exec.Command("sh", "-c", `ulimit -n 4096; exec dockerd --data-root "$0/data" --exec-root "$0/exec" -H "unix://$0/s" -p "$0/pid" \
		--iptables=false --fixed-cidr=172.17.8.0/24 --ip6tables=false --storage-driver=vfs --default-ulimit nofile=1024:1024 >"$0/log" 2>&1`, dir)
	daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := daemon.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM) // which ends the containers
		kill := time.AfterFunc(20*time.Second, func() { _ = syscall.Kill(-daemon.Process.Pid, syscall.SIGKILL) })
		_ = daemon.Wait()
		kill.Stop()
		mounts, _ := os.ReadFile("/proc/self/mounts")
		for line := range strings.Lines(string(mounts)) {
			if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
				_ = syscall.Unmount(fields[1], syscall.MNT_DETACH)
			}
		}
		os.RemoveAll(dir)
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "s")); err == nil {
			break
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Skipf("dockerd does not listen: %s", text)
		}
	}
	run := func(name string, args ...string) (string, error) {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "DOCKER_HOST="+host)
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	out, err := run("sh", "-c", `mkdir -p img/bin img/www && cp "$(command -v busybox)" img/bin/ && ln -s busybox img/bin/httpd && echo box >img/www/index.html &&
		tar -C img -c . | docker import - bb:1 && docker run --rm bb:1 busybox true`)
	if err != nil {
		t.Skipf("containers do not run here: %s", out)
	}
	return func(args ...string) string {
		t.Helper()
		out, err := run("docker", args...)
		if err != nil {
			t.Fatalf("docker %v: %v\n%s", args, err, out)
		}
		return out
	}, host
}

// The port that a container publishes belongs to a service, although the process
// that listens is one of the engine: if the container has the labels of the run.
func TestContainer(t *testing.T) {
	docker, host := startDocker(t)
	f, r, p, web := newSite(t, "127.0.0.1:%d")
	p.stop()
	r.publishes = func(ctx context.Context, service string, on netip.AddrPort) bool {
		getenv := func(name string) string { return map[string]string{"DOCKER_HOST": host}[name] }
		return engine.Publishes(ctx, getenv, "run", service, on)
	}
	for _, tt := range []struct {
		name, instance, service, address string
		status                           int
	}{
		{"ours", "run", "web", "127.0.0.1", 200},
		{"ours, on all addresses", "run", "web", "0.0.0.0", 200},
		{"of another run", "other", "web", "127.0.0.1", 502},
		{"of another service", "run", "db", "127.0.0.1", 502},
		{"without labels", "", "", "127.0.0.1", 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			web.Restarts++ // so that no connection is kept
			id := docker("run", "-d", "--label", engine.LabelInstance+"="+tt.instance, "--label", engine.LabelService+"="+tt.service,
				"-p", fmt.Sprintf("%s:%d:80", tt.address, web.Port), "bb:1", "httpd", "-f", "-p", "80", "-h", "/www")
			defer docker("rm", "-f", id)
			r.set(web, 0)
			response, text := f.get("web.shop.localhost", "/", tt.status)
			if tt.status == 200 && text != "box\n" || tt.status == 502 && !strings.Contains(text, "is held by a process that web did not start") {
				t.Errorf("%s", text)
			}
			if who := response.Header.Get("X-Devports"); who != "shop//web" {
				t.Error(who)
			}
		})
	}
}
