package main

import (
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
		_, err := fmt.Fprintf(s.stdout, "devports %s (%s, %s, ports assigned as of %s)\n", v.Devports, v.Go, v.Platform, v.Assigned)
		return err
	},
}

type versions struct {
	Version  formatVersion `json:"version"` // of the format, not of devports
	Devports string        `json:"devports"`
	Go       string        `json:"go"`
	Platform string        `json:"platform"`
	Assigned string        `json:"assigned_ports"` // the date of IANA's registry
}

// packaged is the version of devports, for builds without the version control
// system, which Go takes it from: -ldflags "-X main.packaged=1.2.3".
var packaged string

func version() versions {
	v := versions{formatVersion{}, "(devel)", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, allocator.AssignedDate}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v.Devports = info.Main.Version
	}
	if packaged != "" {
		v.Devports = packaged
	}
	return v
}
