package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"time"
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

	// a PostgreSQL server, and its clients
	"postgres": func(string) bool {
		_, err := exec.LookPath("initdb")
		versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // not on PATH in Debian
		_, none := exec.LookPath("psql")
		return none == nil && (err == nil || len(versions) > 0)
	},

	// the modules that the module in this folder of the repository requires:
	// cached, or downloadable
	"modules": func(folder string) bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "./...")
		cmd.Dir = filepath.Join("../..", folder)
		return cmd.Run() == nil
	},
}
