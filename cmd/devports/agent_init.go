package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/atomicfile"
	"github.com/devports/devports/cmd/devports/internal/agentfile"
	"github.com/devports/devports/procfile"
)

var agentCommand = command{
	name:  "agent",
	usage: "set up a project for coding agents",
	help: `
Writes the files from which coding agents learn how to start the services of a
project, find their addresses and read their output.

Example:
  devports agent init`,
	sub: []command{agentInitCommand},
	run: func(_ session, c *cli.Context) error { return cli.ShowSubcommandHelp(c) },
}

var agentInitCommand = command{
	name:  "agent init",
	usage: "write the files from which agents learn to use devports here",
	help: `
Writes, in the directory of the Portfile, what an agent needs to know: how to
start services, find addresses, read errors, restart, test, and clean up, in less
than 700 tokens. Without options it does so for the tools whose files are in the
project, or if there are none, in AGENTS.md, which most tools read.

  --claude  .claude/skills/devports/SKILL.md, and .claude/launch.json, from
            which the preview starts services on the ports of this checkout
  --codex   AGENTS.md
  --cursor  .cursor/rules/devports.mdc, and .cursor/worktrees.json, with which
            a new worktree gets its setup
  --conductor
            conductor.json, with which a new workspace gets its setup, and an
            archived one is stopped

The text is between two marks: devports changes nothing outside of them, and
replaces what is between them, so that a later version can update it. It does not
change a JSON file that it has not written. --remove removes all of it again.

Example:
  devports agent init
  devports agent init --claude --print
  devports agent init --remove`,
	flags: []cli.Flag{
		&cli.BoolFlag{Name: "claude", Usage: "for Claude Code"},
		&cli.BoolFlag{Name: "codex", Usage: "for Codex and others that read AGENTS.md"},
		&cli.BoolFlag{Name: "cursor", Usage: "for Cursor"},
		&cli.BoolFlag{Name: "conductor", Usage: "for Conductor"},
		&cli.BoolFlag{Name: "print", Usage: "print the files instead of writing them"},
		&cli.BoolFlag{Name: "remove", Usage: "remove what agent init has written"},
		fileFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		if c.Bool("print") && c.Bool("remove") {
			return usage("devports agent init --remove", "--print and --remove cannot be used together")
		}
		dir, services, err := s.agentProject(c)
		if err != nil {
			return err
		}
		tools := chosenTools(c, dir)
		for _, tool := range tools {
			for _, f := range tool.Files(services) {
				if err := s.agentFile(c, dir, f); err != nil {
					return err
				}
			}
		}
		return nil
	},
}

// agentProject returns the directory for the files of agents, and the services
// with HTTP: of the project, else the working directory.
func (s session) agentProject(c *cli.Context) (dir string, services []agentfile.Service, err error) {
	p, err := s.openProject(c)
	if missing := new(*procfile.NotFoundError); errors.As(err, missing) {
		if !c.Bool("remove") {
			s.note("no Portfile here: devports init writes one")
		}
		return ".", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	plan, err := s.withPins(p, c).Resolve(c.Context)
	if err != nil {
		return "", nil, err
	}
	for _, process := range plan.Services {
		if process.HTTP && process.Port > 0 {
			services = append(services, agentfile.Service{Name: process.Service, Port: process.Port})
		}
	}
	return p.File.Dir, services, nil
}

// chosenTools are the tools that the command line names, else those with traces
// in dir, all with --remove. What is installed on this machine does not count:
// the files are for everybody who works on the project.
func chosenTools(c *cli.Context, dir string) []agentfile.Tool {
	all := agentfile.Tools()
	without := func(drop func(agentfile.Tool) bool) []agentfile.Tool {
		return slices.DeleteFunc(slices.Clone(all), drop)
	}
	if named := without(func(t agentfile.Tool) bool { return !c.Bool(t.Name) }); len(named) > 0 {
		return named
	}
	if c.Bool("remove") {
		return all
	}
	traced := without(func(t agentfile.Tool) bool {
		return !slices.ContainsFunc(t.Traces, func(name string) bool { return exists(filepath.Join(dir, name)) })
	})
	if slices.ContainsFunc(traced, agentfile.Tool.HasSkill) {
		return traced
	}
	return append(traced, without(func(t agentfile.Tool) bool { return t.Name != "codex" })...)
}

// agentFile writes, prints or removes a file for agents.
func (s session) agentFile(c *cli.Context, dir string, f agentfile.File) error {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	there, found := err == nil, string(content)
	if c.Bool("remove") {
		return s.removeAgentFile(dir, path, f, there, found)
	}
	text, other, err := f.New(found)
	switch {
	case err != nil:
		return damagedMarks(f, err)
	case c.Bool("print") && other:
		_, err = fmt.Fprintf(s.stdout, "==> %s (devports would write this, but did not write the file that is there)\n%s", f.Path, f.JSON)
		return err
	case c.Bool("print"):
		_, err = fmt.Fprintf(s.stdout, "==> %s\n%s", f.Path, text)
		return err
	case other:
		s.note("%s is unchanged, because devports did not write it; to see what it could have: devports agent init --print", f.Path)
		return nil
	case there && text == found:
		fmt.Fprintf(s.stdout, "%s is up to date\n", f.Path)
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if err := writeAgentFile(path, text, there); err != nil {
		return fail(exitFailed, "to print it instead: devports agent init --print", "cannot write %s: %v", f.Path, err)
	}
	verb := "wrote"
	if there {
		verb = "updated"
	}
	fmt.Fprintf(s.stdout, "%s %s\n", verb, f.Path)
	if f.Path == ".claude/launch.json" {
		s.note("the ports in %s are those of this checkout: keep it out of git, and run devports agent init in each", f.Path)
	}
	return nil
}

// writeAgentFile writes a file, which keeps its mode if it is there.
func writeAgentFile(path, text string, there bool) error {
	o := atomicfile.Options{Mode: 0o666, Unlocked: true}
	if there {
		o.Mode = 0
	}
	return atomicfile.Write(path, []byte(text), o)
}

// removeAgentFile removes what devports has written from a file at path; the file
// if nothing else is in it, with directories below dir that are then empty.
func (s session) removeAgentFile(dir, path string, f agentfile.File, there bool, found string) error {
	if !there {
		return nil
	}
	text, err := f.Without(found)
	switch {
	case err != nil:
		return damagedMarks(f, err)
	case text == found:
		return nil
	case text != "":
		err = writeAgentFile(path, text, true)
	default:
		err = os.Remove(path)
		for name := filepath.Dir(filepath.FromSlash(f.Path)); err == nil && name != "."; name = filepath.Dir(name) {
			above := filepath.Join(dir, name)
			if info, err := os.Lstat(above); err != nil || !info.IsDir() || os.Remove(above) != nil {
				break // a link to a directory of the user, or not empty
			}
		}
	}
	if err == nil {
		fmt.Fprintf(s.stdout, "removed devports from %s\n", f.Path)
	}
	return err
}

// damagedMarks is the error for a file with marks that are not one pair.
func damagedMarks(f agentfile.File, err error) error {
	var damaged *agentfile.DamagedError
	if !errors.As(err, &damaged) {
		return err
	}
	return fail(exitInvalid, "remove the lines with \"devports: begin\" and \"devports: end\" and what is between them, then devports agent init again",
		"%s:%d: %s", f.Path, damaged.Line, damaged.Problem)
}
