package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/cmd/devports/internal/project"
)

// noPinsFlag is for commands that lease the ports of a project.
var noPinsFlag = &cli.BoolFlag{
	Name:  "no-pins",
	Usage: "do not apply pins: choose a port for each service (default in CI with its own DEVPORTS_HOME)",
}

// noPins reports whether pins do not apply: as the command line says, else in
// CI with a home other than the user's. There, other jobs of the same machine
// have their own homes, so that no registry knows which job has a pin.
func (s session) noPins(c *cli.Context) bool {
	if c.IsSet(noPinsFlag.Name) {
		return c.Bool(noPinsFlag.Name)
	}
	return s.inCI() && cmp.Or(s.getenv(envvar.Home), s.getenv(envvar.Registry), c.String("registry")) != ""
}

// withPins returns the project with or without pins, as the command line says,
// else as in the run that is running here.
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

// notePins notes that pins do not apply, unless the user has asked for that.
func (s session) notePins(p project.Project, c *cli.Context) {
	if c.IsSet(noPinsFlag.Name) || !p.Pins() {
		return
	}
	if scope, err := p.Scope(); err == nil && scope.Main() {
		s.note("pins do not apply because CI is set and the registry is not the user's default; to apply them: --no-pins=false")
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
