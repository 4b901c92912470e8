//go:build unix

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const installScript = "../../.github/install.sh"

// TestInstall runs the install script against a server of releases.
func TestInstall(t *testing.T) {
	script, err := os.ReadFile(installScript)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("shells", func(t *testing.T) {
		for _, shell := range [][]string{{"sh"}, {"dash"}, {"busybox", "sh"}, {"bash"}, {"bash", "--posix"}, {"ksh"}, {"zsh", "--emulate", "sh"}} {
			t.Run(strings.Join(shell, " "), func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath(shell[0]); err != nil {
					t.Skip(shell[0] + " is missing")
				}
				i := newInstallation(t)
				i.shell = append(shell, "-s")
				i.installs(t, script, "9.8.7")
			})
		}
	})

	t.Run("tools", func(t *testing.T) {
		for name, tools := range map[string][]string{
			"wget":    {"wget", "sha256sum"},
			"shasum":  {"curl", "shasum", "perl"},
			"openssl": {"curl", "openssl"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				i := newInstallation(t)
				i.onlyTools(t, tools...)
				i.installs(t, script, "9.8.7")
			})
		}
		// As on Alpine.
		t.Run("busybox", func(t *testing.T) {
			t.Parallel()
			busybox, err := exec.LookPath("busybox")
			if err != nil {
				t.Skip("busybox is missing")
			}
			i := newInstallation(t)
			i.onlyTools(t)
			for _, name := range append(installTools, "wget", "sha256sum", "sh") {
				i.tool(t, name, busybox)
			}
			i.installs(t, script, "9.8.7")
		})
	})

	t.Run("options", func(t *testing.T) {
		for name, options := range map[string]struct{ args, env []string }{
			"version and directory": {args: []string{"--version", "1.2.3", "--dir", "DIR"}},
			"equals sign, v":        {args: []string{"--version=v1.2.3", "--dir=DIR"}},
			"variables":             {env: []string{"DEVPORTS_VERSION=1.2.3", "DEVPORTS_INSTALL_DIR=DIR"}},
			"option and variable":   {args: []string{"--version=1.2.3", "--dir=DIR"}, env: []string{"DEVPORTS_VERSION=3", "DEVPORTS_INSTALL_DIR=/"}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				i := newInstallation(t)
				i.dir = filepath.Join(t.TempDir(), "a dir", "$(b)")
				for _, arg := range options.args {
					i.args = append(i.args, strings.Replace(arg, "DIR", i.dir, 1))
				}
				for _, variable := range options.env {
					i.env = append(i.env, strings.Replace(variable, "_DIR=DIR", "_DIR="+i.dir, 1))
				}
				i.installs(t, script, "1.2.3")
			})
		}
	})

	t.Run("systems", func(t *testing.T) {
		for uname, platform := range map[string]string{
			"Linux x86_64": "linux_amd64", "Linux aarch64": "linux_arm64", "Darwin arm64": "darwin_arm64", "Darwin x86_64": "darwin_amd64",
		} {
			t.Run(uname, func(t *testing.T) {
				t.Parallel()
				i := newInstallation(t)
				i.uname(t, uname)
				if out := i.installs(t, script, "9.8.7"); !strings.Contains(out, " for "+platform+"\n") {
					t.Errorf("not %s: %s", platform, out)
				}
			})
		}
	})

	t.Run("failures", func(t *testing.T) {
		for name, failure := range map[string]struct {
			prepare func(*testing.T, *installation)
			want    string
		}{
			"wrong checksum": {func(t *testing.T, i *installation) {
				i.serve = func(w http.ResponseWriter, r *http.Request) bool {
					if strings.HasSuffix(r.URL.Path, ".gz") {
						_, _ = io.WriteString(w, "other")
					}
					return strings.HasSuffix(r.URL.Path, ".gz")
				}
			}, "the checksum of"},
			"cut download": {func(t *testing.T, i *installation) {
				i.serve = func(w http.ResponseWriter, r *http.Request) bool {
					if strings.HasSuffix(r.URL.Path, ".gz") {
						w.Header().Set("Content-Length", "1000")
						_, _ = io.WriteString(w, "cut")
					}
					return strings.HasSuffix(r.URL.Path, ".gz")
				}
			}, "cannot download"},
			"missing archive": {func(t *testing.T, i *installation) {
				i.serve = func(w http.ResponseWriter, r *http.Request) bool {
					if strings.HasSuffix(r.URL.Path, ".gz") {
						http.NotFound(w, r)
					}
					return strings.HasSuffix(r.URL.Path, ".gz")
				}
			}, "cannot download"},
			"not among the checksums": {func(t *testing.T, i *installation) {
				i.serve = func(w http.ResponseWriter, r *http.Request) bool {
					_, _ = fmt.Fprintf(w, "%064x  devports_9.8.7_plan9_amd64.tar.gz\n", 0)
					return true
				}
			}, "checksums.txt has no archive for"},
			"missing release":  {func(t *testing.T, i *installation) { i.args = []string{"--version", "7"} }, "download/v7/checksums.txt"},
			"no server":        {func(t *testing.T, i *installation) { i.env = append(i.env, "DEVPORTS_RELEASES=http://127.0.0.1:1") }, "cannot download"},
			"other system":     {func(t *testing.T, i *installation) { i.uname(t, "FreeBSD amd64") }, "there is no release for FreeBSD"},
			"other processor":  {func(t *testing.T, i *installation) { i.uname(t, "Linux riscv64") }, "there is no release for linux on riscv64"},
			"Windows":          {func(t *testing.T, i *installation) { i.uname(t, "MINGW64_NT-10.0 x86_64") }, "scoop install devports"},
			"no curl, no wget": {func(t *testing.T, i *installation) { i.onlyTools(t, "sha256sum", "shasum", "perl") }, "curl and wget are missing"},
			"no sha256":        {func(t *testing.T, i *installation) { i.onlyTools(t, "curl") }, "the checksum cannot be verified"},
			"does not run":     {func(t *testing.T, i *installation) { i.program = "#!/bin/sh\nexit 1\n" }, "does not run on this system"},
			"unknown option":   {func(t *testing.T, i *installation) { i.args = []string{"--prefix", "/"} }, "unknown argument --prefix"},
			"option, no value": {func(t *testing.T, i *installation) { i.args = []string{"--dir"} }, "--dir needs a value"},
			"HOME is not set":  {func(t *testing.T, i *installation) { i.env = append(i.env, "HOME=") }, "HOME is not set"},
			"not a directory":  {func(t *testing.T, i *installation) { i.args = []string{"--dir", installScript} }, "cannot create"},
			"directory in place": {func(t *testing.T, i *installation) {
				i.args = []string{"--dir", t.TempDir()}
				if err := os.Mkdir(filepath.Join(i.args[1], "devports"), 0o755); err != nil {
					t.Fatal(err)
				}
			}, "devports is a directory"},
			"unwritable directory": {func(t *testing.T, i *installation) {
				i.args = []string{"--dir", unwritable(t)}
			}, "cannot write to"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				i := newInstallation(t)
				old := filepath.Join(i.dir, "devports")
				if err := os.MkdirAll(i.dir, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(old, []byte("old"), 0o755); err != nil {
					t.Fatal(err)
				}
				failure.prepare(t, i)
				out, err := i.run(t, script)
				if err == nil || !strings.Contains(out, "devports: error: ") || !strings.Contains(out, failure.want) || !strings.Contains(out, "\ndevports: hint: ") {
					t.Errorf("%v, without an error %q and a hint:\n%s", err, failure.want, out)
				}
				if text, err := os.ReadFile(old); string(text) != "old" {
					t.Errorf("the program before is lost: %q, %v", text, err)
				}
				i.leavesOnlyProgram(t)
			})
		}
	})

	t.Run("hints", func(t *testing.T) {
		for name, c := range map[string]struct {
			env  []string
			want string
		}{
			"zsh":    {[]string{"SHELL=/bin/zsh"}, `to ~/.zshrc: export PATH="DIR:$PATH"`},
			"bash":   {[]string{"SHELL=/bin/bash"}, `to ~/.bashrc: export PATH="DIR:$PATH"`},
			"fish":   {[]string{"SHELL=/usr/bin/fish"}, `fish_add_path 'DIR'`},
			"others": {nil, `to ~/.profile: export PATH="DIR:$PATH"`},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				i := newInstallation(t)
				i.env = append(i.env, c.env...)
				if out := i.installs(t, script, "9.8.7"); !strings.Contains(out, strings.ReplaceAll(c.want, "DIR", i.dir)) {
					t.Errorf("without %q: %s", c.want, out)
				}
			})
		}
		t.Run("in PATH", func(t *testing.T) {
			t.Parallel()
			i := newInstallation(t)
			i.path = i.dir + ":" + i.path
			if out := i.installs(t, script, "9.8.7"); strings.Contains(out, "devports: hint") {
				t.Errorf("a hint: %s", out)
			}
		})
		t.Run("hidden", func(t *testing.T) {
			t.Parallel()
			i := newInstallation(t)
			first := t.TempDir()
			if err := os.WriteFile(filepath.Join(first, "devports"), []byte("#!/bin/sh\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			i.path = first + ":" + i.path + ":" + i.dir
			if out := i.installs(t, script, "9.8.7"); !strings.Contains(out, first+"/devports comes first on your PATH") {
				t.Errorf("no hint: %s", out)
			}
		})
	})

	// A program that is running cannot be written to, only replaced.
	t.Run("running", func(t *testing.T) {
		t.Parallel()
		i := newInstallation(t)
		sleep, err := exec.LookPath("sleep")
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(sleep)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(i.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		old := filepath.Join(i.dir, "devports")
		if err := writeProgram(old, text); err != nil {
			t.Fatal(err)
		}
		running := exec.Command(old, "600")
		running.Args[0] = "sleep" // for one of several names, such as busybox's
		if err := running.Start(); err != nil {
			t.Fatal(err)
		}
		i.installs(t, script, "9.8.7")
		if err := running.Process.Kill(); err != nil {
			t.Errorf("the old program has ended: %v", err)
		}
		_ = running.Wait()
	})

	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		i := newInstallation(t)
		asked := make(chan struct{})
		i.serve = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, ".gz") {
				close(asked)
				<-r.Context().Done()
			}
			return strings.HasSuffix(r.URL.Path, ".gz")
		}
		cmd := i.command(t.Context(), script)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a terminal's job
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-asked:
		case <-time.After(patience):
			t.Error("it asks for no archive")
		}
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("it succeeds")
		}
		i.leavesOnlyProgram(t)
	})

	// Whatever the download of the script has lost, the rest does nothing.
	t.Run("cut script", func(t *testing.T) {
		t.Parallel()
		i := newInstallation(t)
		text := strings.TrimRight(string(script), "\n")
		for end := range text {
			if end > len(text)-20 || strings.HasSuffix(text[:end], "\n") {
				out, _ := i.run(t, []byte(text[:end]))
				if strings.Contains(out, "install") || i.requests.Load() > 0 {
					t.Fatalf("the first %d bytes do something: %s", end, out)
				}
			}
		}
		if _, err := os.Stat(i.dir); err == nil {
			t.Error("a directory is left")
		}
	})
}

// The programs that the script needs in any case.
var installTools = []string{"uname", "mktemp", "mkdir", "tar", "gzip", "mv", "rm", "grep", "cat"}

// An installation is one run of the install script, with its own server.
type installation struct {
	shell, args, env []string
	path, dir        string
	program          string                                        // in the archives; else one that prints the version
	serve            func(http.ResponseWriter, *http.Request) bool // reports whether it has answered
	requests         atomic.Int32
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	i := &installation{shell: []string{"sh", "-s"}, path: os.Getenv("PATH")}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	home := t.TempDir()
	i.dir = filepath.Join(home, ".local", "bin")
	i.env = []string{"HOME=" + home, "DEVPORTS_RELEASES=" + server.URL + "/releases/"}
	return i
}

// ServeHTTP serves the releases 9.8.7, the latest, and 1.2.3.
func (i *installation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.requests.Add(1)
	if i.serve != nil && i.serve(w, r) {
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/releases/")
	if rest, ok := strings.CutPrefix(path, "latest/download/"); ok {
		http.Redirect(w, r, "/releases/download/v9.8.7/"+rest, http.StatusFound)
		return
	}
	for _, version := range []string{"9.8.7", "1.2.3"} {
		file, ok := strings.CutPrefix(path, "download/v"+version+"/")
		if !ok {
			continue
		}
		sums := ""
		for _, platform := range []string{"darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"} {
			name := "devports_" + version + "_" + platform
			archive := i.archive(name, version)
			if file == name+".tar.gz" {
				_, _ = w.Write(archive)
				return
			}
			sums += fmt.Sprintf("%x  %s.tar.gz\n", sha256.Sum256(archive), name)
		}
		if file == "checksums.txt" {
			_, _ = io.WriteString(w, fmt.Sprintf("%064x  devports_%s_amd64.deb\n", 0, version)+sums)
			return
		}
	}
	http.NotFound(w, r)
}

func (i *installation) archive(name, version string) []byte {
	program := i.program
	if program == "" {
		program = "#!/bin/sh\necho devports " + version + "\n"
	}
	var text bytes.Buffer
	compressed := gzip.NewWriter(&text)
	files := tar.NewWriter(compressed)
	for _, file := range []struct{ name, text string }{{"LICENSE", "license"}, {"devports", program}} {
		_ = files.WriteHeader(&tar.Header{Name: name + "/" + file.name, Size: int64(len(file.text)), Mode: 0o755})
		_, _ = io.WriteString(files, file.text)
	}
	_ = files.Close()
	_ = compressed.Close()
	return text.Bytes()
}

func (i *installation) command(ctx context.Context, script []byte) *exec.Cmd {
	cmd := exec.CommandContext(ctx, i.shell[0], append(slices.Clone(i.shell[1:]), i.args...)...)
	if len(i.args) > 0 {
		cmd.Args = slices.Insert(cmd.Args, len(i.shell), "--")
	}
	cmd.Stdin = bytes.NewReader(script)
	cmd.Env = append([]string{"PATH=" + i.path}, i.env...)
	return cmd
}

func (i *installation) run(t *testing.T, script []byte) (string, error) {
	t.Helper()
	out, err := i.command(t.Context(), script).CombinedOutput()
	return string(out), err
}

// installs runs the script and checks that this version is installed then.
func (i *installation) installs(t *testing.T, script []byte, version string) string {
	t.Helper()
	out, err := i.run(t, script)
	if err != nil || !strings.Contains(out, "installed "+i.dir+"/devports\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := exec.Command(filepath.Join(i.dir, "devports")).Output()
	if err != nil || string(text) != "devports "+version+"\n" {
		t.Errorf("%q is installed, %v", text, err)
	}
	i.leavesOnlyProgram(t)
	return out
}

func (i *installation) leavesOnlyProgram(t *testing.T) {
	t.Helper()
	entries, _ := os.ReadDir(i.dir)
	for _, entry := range entries {
		if entry.Name() != "devports" {
			t.Errorf("%s is left", entry.Name())
		}
	}
}

// onlyTools leaves only these and installTools in PATH.
func (i *installation) onlyTools(t *testing.T, names ...string) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	i.shell[0] = shell
	i.path = t.TempDir()
	for _, name := range slices.Concat(installTools, names) {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skip(name + " is missing")
		}
		i.tool(t, name, path)
	}
}

func (i *installation) tool(t *testing.T, name, path string) {
	t.Helper()
	link := filepath.Join(i.path, name)
	_ = os.Remove(link)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
}

// uname makes the script see this system and processor.
func (i *installation) uname(t *testing.T, text string) {
	t.Helper()
	system, processor, _ := strings.Cut(text, " ")
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\ncase $1 in -s) echo %s ;; -m) echo %s ;; esac\n", system, processor)
	if err := writeProgram(filepath.Join(dir, "uname"), []byte(script)); err != nil {
		t.Fatal(err)
	}
	if err := writeProgram(filepath.Join(dir, "sysctl"), []byte("#!/bin/sh\nexit 1\n")); err != nil {
		t.Fatal(err)
	}
	i.path = dir + ":" + i.path
}

// unwritable returns a directory to which not even root can write.
func unwritable(t *testing.T) string {
	t.Helper()
	if os.Getuid() == 0 {
		if _, err := os.Stat("/proc/self"); err != nil {
			t.Skip("root can write to every directory")
		}
		return "/proc/self"
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	return dir
}
