package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/cmd/devports/internal/project"
)

// noPinsFlag is for commands that lease the ports of a project.
var noPinsFlag = &cli.BoolFlag{
	Name: "no-pins", DisableDefaultText: true,
	Usage: "take pins as hints: each service gets a port of its own (the default in CI with a DEVPORTS_HOME of its own)",
}

// noPins reports whether pins bind nothing: as the command line says, or else in
// CI where the home is not the user's. There other jobs of the same machine have
// homes of their own, and so nothing that says which of them has a pin.
func (s session) noPins(c *cli.Context) bool {
	if c.IsSet(noPinsFlag.Name) {
		return c.Bool(noPinsFlag.Name)
	}
	return s.inCI() && cmp.Or(s.getenv(envvar.Home), s.getenv(envvar.Registry), c.String("registry")) != ""
}

func (s session) inCI() bool {
	value := s.getenv("CI")
	return value != "" && value != "0" && value != "false"
}

// withPins returns the project with pins that bind, or do not: then as those of the
// run that goes on here.
func (s session) withPins(p project.Project, c *cli.Context) project.Project {
	switch {
	case !p.Pins():
		return p
	case s.noPins(c):
		s.notePins(p, c)
	case c.IsSet(noPinsFlag.Name) || !s.runsWithoutPins(p):
		return p
	}
	return p.WithoutPins()
}

// notePins notes that pins do not bind, if the user has not asked for that.
func (s session) notePins(p project.Project, c *cli.Context) {
	if c.IsSet(noPinsFlag.Name) || !p.Pins() {
		return
	}
	if scope, err := p.Scope(); err == nil && scope.Main() {
		s.note("pins are hints here, as CI is set and the registry is not the user's own: each service gets a port of its own (--no-pins=false binds them)")
	}
}

func (s session) runsWithoutPins(p project.Project) bool {
	scope, err := p.Scope()
	if err != nil {
		return false
	}
	i, ok, err := s.runningIn(scope)
	return err == nil && ok && i.Note.NoPins && !i.Replaced()
}
