package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/devports/devports/allocator/holder"
)

// conditions are the conditions of scripts, in addition to testscript's: [NAME]
// or [NAME:ARGUMENT].
var conditions = map[string]func(argument string) bool{
	"exists": func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	},
	"root":    func(string) bool { return os.Getuid() == 0 },
	"netns":   func(string) bool { return exec.Command("unshare", "--map-root-user", "--net", "true").Run() == nil },
	"mountns": func(string) bool { return exec.Command("unshare", "--mount", "true").Run() == nil },

	"sockets": func(string) bool { // Unix sockets, which Wine has not
		dir, err := os.MkdirTemp("", "s")
		if err != nil {
			return false
		}
		defer os.Remove(dir)
		l, err := net.Listen("unix", filepath.Join(dir, "s"))
		if err != nil {
			return false
		}
		return l.Close() == nil
	},

	"listeners": func(string) bool { // the system says which process listens, which Wine does not
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return false
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		found, err := holder.Listening(context.Background(), port)
		return err == nil && slices.ContainsFunc(found[port], func(p holder.Process) bool { return p.PID == os.Getpid() })
	},

	// a PostgreSQL server, and its clients
	"postgres": func(string) bool {
		_, err := exec.LookPath("initdb")
		versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // not on PATH in Debian
		_, none := exec.LookPath("psql")
		return none == nil && (err == nil || len(versions) > 0)
	},

	// the modules that the module in this directory of the repository requires:
	// cached, or downloadable
	"modules": func(directory string) bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "./...")
		cmd.Dir = filepath.Join("../..", directory)
		return cmd.Run() == nil
	},
}
