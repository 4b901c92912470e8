package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

var withoutFlag = &cli.StringSliceFlag{
	Name: "without", Usage: "do not start the services or groups `NAME,…`",
}

// listed splits the values of an option that takes lists.
func listed(values []string) (names []string) {
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// checkSelection returns an error if the options name unknown services or
// groups, or if nothing would start.
func (o upOptions) checkSelection(file procfile.File) error {
	for _, names := range [][]string{o.Services, o.Without} {
		if err := declares(file, names, file.GroupNames()...); err != nil {
			return err
		}
	}
	starts, err := file.Starts(o.selected(file), o.Without)
	var needed *procfile.DependencyError
	switch {
	case errors.As(err, &needed):
		return usage("to leave it out, too: --without "+needed.Without+","+needed.Needed, "%v", needed)
	case len(starts) == 0 && len(o.Without) > 0:
		return usage("leave out fewer services", "nothing to start without %s", wording.List(o.Without))
	case len(starts) == 0:
		return usage("devports up "+file.ServiceNames()[0], "nothing to start: every service of %s has autostart = false", file.Name)
	}
	return nil
}

// selected are the services and groups that the options name, or those of the
// included file around the working directory; none stands for all.
func (o upOptions) selected(file procfile.File) []string {
	if len(o.Services) > 0 || o.Below == "" {
		return o.Services
	}
	return file.ServicesAt(o.Below)
}

// below is the working directory if the options neither name a file nor
// services: it may select an included file.
func below(o upOptions) string {
	if o.File != "" || len(o.Services) > 0 || o.Proposed != nil {
		return ""
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return dir
}

// noteIncluded prints how a command and the files that include each other belong
// together.
func (s session) noteIncluded(o upOptions, file procfile.File) {
	if in, ok := file.IncludedAt(o.Below); ok && o.Below != "" && len(o.Services) == 0 {
		name := in.Name
		if rel, err := filepath.Rel(file.Dir, in.Path); err == nil {
			name = rel // "Portfile" could be either
		}
		s.printMessage("note", "starting only the services of "+name)
		s.printMessage("hint", "to start all: devports up -f "+text.QuoteArg(file.Name))
	}
	s.noteIncluding(o.File)
}

// noteIncluding prints which Portfile includes the one that the user has named.
func (s session) noteIncluding(named string) {
	if named == "" || named == "-" {
		return
	}
	if by := procfile.Including(named, s.getenv); by != "" {
		s.printMessage("note", named+" is included by "+by+"; with -f it is a project of its own, with its own ports")
	}
}

// selection returns the services that the options select; none stands for all.
func (o upOptions) selection(file procfile.File) []string {
	starts, err := file.Starts(o.selected(file), o.Without)
	switch {
	case err != nil || len(o.Services) > 0 && len(o.Without) == 0:
		return file.Expand(o.Services)
	case len(starts) == len(file.Services):
		return nil
	}
	return starts
}

// expandGroups returns the services that names on the command line mean, with
// those of groups, as far as the project file of the scope is readable. i is the
// run of the scope, whose replicas count; zero for none.
func (s session) expandGroups(c *cli.Context, scope registry.Scope, i control.Instance, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	p, ok := s.projectOfRun(c, scope, nil)
	if !ok {
		return names
	}
	names = p.WithDir(typedIn(c)).ResolveNames(names...)
	isGroup := func(name string) bool { return slices.Contains(p.File.GroupNames(), name) }
	if i.Runs() && slices.ContainsFunc(names, isGroup) {
		if running, ok := s.projectOfRun(c, scope, replicasOf(i.Query(c.Context).Info)); ok {
			p = running
		}
	}
	return p.File.Expand(names)
}

// replicasOf returns the numbers of replicas of services that run in several.
func replicasOf(info control.Info) map[string]int {
	counts := map[string]int{}
	for _, st := range info.Services {
		if of := procfile.ReplicaOf(st.Service); of != st.Service {
			counts[of] = max(counts[of], 1) + 1
		}
	}
	return counts
}

// groupsOf returns the groups of the project of a run, as far as its file is
// readable.
func (s session) groupsOf(c *cli.Context, scope registry.Scope) []string {
	p, _ := s.projectOfRun(c, scope, nil)
	return p.File.GroupNames()
}

// projectOfRun returns the project of a run, with these numbers of replicas. ok is
// false if its file is not readable, is standard input, or does not declare one of
// their services.
func (s session) projectOfRun(c *cli.Context, scope registry.Scope, scale map[string]int) (p project.Project, ok bool) {
	path := c.String("file")
	if path == "-" {
		return p, false
	}
	if path == "" {
		var err error
		if path, err = procfile.Find(scope.Directory, s.getenv); err != nil {
			return p, false
		}
	}
	p, err := s.projectAt(path, c.String("registry"), scale)
	return p, err == nil || errors.As(err, new(procfile.Problems))
}

// typedIn returns the directory whose names a command line uses; "": it uses
// those of the project.
func typedIn(c *cli.Context) string {
	if c.String("file") != "" || c.String("checkout") != "" {
		return ""
	}
	dir, err := filepath.Abs(c.String("dir"))
	if err != nil {
		return ""
	}
	return dir
}

// servicesAndGroups completes the names of services and groups.
func servicesAndGroups(l line) []candidate {
	candidates := services(l)
	if l.context.String("dir") != "" || l.context.String("checkout") != "" {
		return candidates
	}
	return append(candidates, l.groups()...)
}

func (l line) groups() (candidates []candidate) {
	p, err := l.session.openProject(l.context)
	if err != nil {
		return nil
	}
	for _, name := range p.File.GroupNames() {
		if p.Short(name) == "" {
			continue
		}
		candidates = append(candidates, candidate{Word: p.Short(name), About: "group of " + wording.List(p.File.Expand([]string{name}))})
	}
	return l.unnamed(candidates)
}

// namesInList completes the last name in a list of services and groups.
func namesInList(l line) (candidates []candidate) {
	before := l.word[:strings.LastIndexByte(l.word, ',')+1]
	l.args = slices.Concat(l.args, listed([]string{before}))
	for _, c := range servicesAndGroups(l) {
		candidates = append(candidates, candidate{Word: before + c.Word, About: c.About})
	}
	return candidates
}
