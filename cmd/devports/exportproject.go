package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/atomicfile"
	"github.com/devports/devports/procfile/export"
)

// projectFormats are the formats of a project, in the order of the help.
var projectFormats = []string{"compose", "kubernetes", "systemd"}

// exportProject prints the services of the project in a format, or writes them
// to a file or directory. What the format cannot express is a warning.
func (s session) exportProject(c *cli.Context, format string) error {
	p, err := s.openProject(c)
	if err != nil {
		return err
	}
	scope, ports, err := p.Ports(c.Context)
	if err != nil {
		return err
	}
	plan, err := p.Resolve(c.Context)
	if err != nil {
		return err
	}
	in := export.Input{
		Project: strings.Trim(strings.ReplaceAll(scope.Slug(), "_", "-"), "-"), File: p.File, Plan: plan, Ports: ports,
		Dockerfiles: map[string]export.Dockerfile{},
	}
	for _, service := range plan.Services {
		src, err := os.ReadFile(filepath.Join(service.Dir, "Dockerfile"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		dir, err := filepath.Rel(p.File.Dir, service.Dir)
		if err != nil {
			return err
		}
		in.Dockerfiles[service.Service] = export.ParseDockerfile(string(src), filepath.ToSlash(dir))
	}
	var result export.Result
	switch format {
	case "compose":
		result = export.Compose(in)
	case "kubernetes":
		result = export.Kubernetes(in)
	default:
		result = export.Systemd(in)
	}
	if result.Empty {
		return fail(exitFailed, "add a Dockerfile to the directory of a service, or image = \"…\"", "nothing to export: no service has an image or a Dockerfile")
	}
	if err := s.writeExport(result.Files, c.String("output"), format == "systemd"); err != nil {
		return err
	}
	for _, lost := range result.Lost {
		s.printMessage("warning", lost.Error())
		if lost.Hint != "" {
			s.printMessage("hint", lost.Hint)
		}
	}
	return nil
}

// writeExport writes files to a path: to a directory if several is set, else to
// a file. Without a path, it prints them.
func (s session) writeExport(files []export.File, path string, several bool) error {
	if path == "" {
		for i, f := range files {
			if several {
				f.Text = "# " + f.Name + "\n" + f.Text
			}
			if i > 0 {
				f.Text = "\n" + f.Text
			}
			if _, err := s.stdout.Write([]byte(f.Text)); err != nil {
				return err
			}
		}
		return nil
	}
	mode := fs.FileMode(0o666)
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = path
		if several {
			mode = 0o600 // the values of variables are in units
			paths[i] = filepath.Join(path, f.Name)
		}
		old, err := os.ReadFile(paths[i])
		if err == nil && !strings.HasPrefix(string(old), export.Mark) {
			return fail(exitFailed, "remove it, or pass another path with --output", "%s exists, and is not from devports export", paths[i])
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if several {
		if err := os.MkdirAll(path, 0o777); err != nil {
			return err
		}
	}
	for i, f := range files {
		if err := atomicfile.Write(paths[i], []byte(f.Text), atomicfile.Options{Mode: mode, Unlocked: true}); err != nil {
			return err
		}
		s.note("wrote %s", paths[i])
	}
	return nil
}
