package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
)

var versionCommand = command{
	name:  "version",
	usage: "print the version",
	help: `
Prints the version of devports, the Go version that it was built with, and the
date of its table of assigned ports.

Example:
  devports version --json`,
	flags: []cli.Flag{jsonFlag},
	run: func(s session, c *cli.Context) error {
		v := version()
		if c.Bool("json") {
			return s.json(v)
		}
		_, err := fmt.Fprintf(s.stdout, "devports %s (%s, %s, ports assigned as of %s)\n", v.Version, v.Go, v.Platform, v.Assigned)
		return err
	},
}

type versions struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Assigned string `json:"assigned_ports"` // the date of IANA's registry
}

func version() versions {
	v := versions{"(devel)", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, allocator.AssignedDate}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	return v
}

// json prints a value as JSON.
func (s session) json(v any) error {
	e := json.NewEncoder(s.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
