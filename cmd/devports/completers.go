package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/complete"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
)

// optionValues completes the values of options, by the placeholder in their
// usage.
var optionValues = sync.OnceValue(func() map[string]completer {
	return map[string]completer{
		"FILE":             files,
		"PATH":             files,
		"SERVICE":          services,
		"PROJECT[/LABEL]":  checkouts,
		"SERVICE=NUMBER,…": counts,
		"NAME,…":           namesInList,
		"WHERE":            words(expectHere),
		"LABEL":            labels,
		"WHEN":             words("auto", "always", "never"),
		"SHELL":            words("sh", "bash", "zsh", "fish", "powershell", "dotenv", "json"),
		"FORMAT":           words("compose", "kubernetes", "systemd", "port-for", "plut", "json", "dotenv"),
	}
})

// words returns a completer for fixed words.
func words(list ...string) completer {
	return func(line) (candidates []candidate) {
		for _, word := range list {
			candidates = append(candidates, candidate{Word: word})
		}
		return candidates
	}
}

// one completes only the first argument.
func one(complete completer) completer {
	return func(l line) []candidate {
		if len(l.args) > 0 {
			return nil
		}
		return complete(l)
	}
}

func files(line) []candidate { return []candidate{complete.Files} }

func commandLine(l line) []candidate { return []candidate{complete.CommandLine(l.start)} }

func topicWords() (candidates []candidate) {
	for _, t := range topics {
		candidates = append(candidates, candidate{Word: t.Name, About: t.Title})
	}
	return candidates
}

// services completes service names, including replicas, that are not yet on the
// command line: those of the project file, or of the run that --dir or
// --checkout names.
func services(l line) []candidate {
	if l.context.String("dir") != "" || l.context.String("checkout") != "" {
		return l.servicesOfRun()
	}
	return l.services(func(procfile.Service) bool { return true })
}

// servicesOfRun completes the services of the run.
func (l line) servicesOfRun() (candidates []candidate) {
	i, _, err := l.session.running(l.context)
	if err != nil {
		return nil
	}
	a := i.Query(l.context.Context)
	for _, st := range a.Info.Services {
		candidates = append(candidates, candidate{Word: st.Service, About: string(st.State)})
	}
	for _, name := range a.Info.Inactive {
		candidates = append(candidates, candidate{Word: name, About: "not started"})
	}
	return l.unnamed(candidates)
}

func (l line) services(wanted func(procfile.Service) bool) (candidates []candidate) {
	p, err := l.session.openProject(l.context)
	if err != nil {
		return nil
	}
	for _, name := range p.File.ServiceNames() {
		if s, _ := p.File.Service(name); wanted(s) && p.Short(name) != "" {
			candidates = append(candidates, candidate{Word: p.Short(name), About: commandText(s.Command)})
		}
	}
	return l.unnamed(candidates)
}

// commandText is a command, shortened.
func commandText(c procfile.Command) string {
	words := c.Shell
	for _, arg := range c.Argv {
		words += " " + arg.Value
	}
	return wording.Shorten(text.OneLine(strings.TrimSpace(words)), 60)
}

// counts completes the value of -m: services, followed by "=" for a number.
func counts(l line) (candidates []candidate) {
	before := l.word[:strings.LastIndexByte(l.word, ',')+1]
	l.args = nil
	for counted := range strings.SplitSeq(before, ",") {
		name, _, _ := strings.Cut(counted, "=")
		l.args = append(l.args, name)
	}
	for _, c := range l.services(func(s procfile.Service) bool { return s.Name == s.ReplicaOf && !s.Step }) {
		candidates = append(candidates, candidate{Word: before + c.Word + "=", About: c.About})
	}
	return candidates
}

// portNames completes the names that have a port or would get one.
func portNames(l line) (candidates []candidate) {
	p, err := l.session.openPlace(l.context)
	if err != nil {
		return nil
	}
	if p.userWide {
		return leaseNames(l)
	}
	for _, w := range p.project.File.Ports() {
		if name := p.project.Short(w.Name.String()); name != "" {
			candidates = append(candidates, candidate{Word: name, About: w.Name.Variable()})
		}
	}
	return l.unnamed(candidates)
}

// leaseNames completes the names that have a port.
func leaseNames(l line) (candidates []candidate) {
	p, err := l.session.openPlace(l.context)
	if err != nil {
		return nil
	}
	scope, err := p.scope()
	if err != nil {
		return nil
	}
	leases, err := p.project.Registry.Leases()
	if err != nil {
		return nil
	}
	for _, lease := range leases {
		if lease.Scope == scope {
			candidates = append(candidates, candidate{Word: lease.Name.String(), About: fmt.Sprint("port ", lease.Port)})
		}
	}
	return l.unnamed(candidates)
}

// unnamed returns the candidates that are not arguments yet.
func (l line) unnamed(candidates []candidate) []candidate {
	return slices.DeleteFunc(candidates, func(c candidate) bool { return slices.Contains(l.args, c.Word) })
}
