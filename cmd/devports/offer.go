package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/scaffold"
)

// errDeclined reports that the user does not want to start what was found.
var errDeclined = failure{status: exitInvalid}

// offer asks on a terminal whether to start what init finds, if there is no
// project file. It returns the options for what the user chooses: a run without
// a file, or one of the Portfile that it has written. Without a terminal, and in
// the terminal of an agent or of CI, it returns the options unchanged.
func (s session) offer(o upOptions) (upOptions, error) {
	var missing *procfile.NotFoundError
	dir, err := os.Getwd()
	if err != nil || o.File != "" || !s.asks() {
		return o, nil
	}
	if _, err = procfile.Find(dir, s.getenv); !errors.As(err, &missing) || len(missing.Foreign) > 0 {
		return o, nil
	}
	found := propose(".")
	if len(found.Services) == 0 {
		return o, nil // the error shows an example
	}
	if err := finds(found, o.Services); err != nil {
		return o, err
	}
	switch s.ask(found, o.Services) {
	case "", "y", "yes":
		o.Proposed = found.Portfile()
		s.note("nothing is written, and edits are not followed: devports init writes the Portfile")
	case "w", "write":
		return o, s.writeProposal(portfileIn("."), found)
	default:
		fmt.Fprintln(s.stdout, "nothing was started; to write the Portfile: devports init")
		return o, errDeclined
	}
	return o, nil
}

// asks reports whether a person can be asked.
func (s session) asks() bool {
	return s.unattended() == "" && isTerminal(s.stdin) && isTerminal(s.stdout)
}

// finds returns an error unless the services were found.
func finds(found scaffold.Project, services []string) error {
	var known []string
	for _, sv := range found.Services {
		known = append(known, sv.Name)
	}
	for _, name := range services {
		if slices.Contains(known, name) {
			continue
		}
		hint := "devports init finds " + wording.List(known)
		if near, ok := text.Nearest(name, known); ok {
			hint = "did you mean " + near + "?"
		}
		return usage(hint, "no Portfile here, and found no service %s", name)
	}
	return nil
}

// ask prints what was found, asks whether to start the services, all if none is
// named, and returns the answer in lower case; "n" at the end of the input.
func (s session) ask(found scaffold.Project, services []string) string {
	switch sv := found.Services[0]; {
	case len(found.Services) == 1:
		fmt.Fprintf(s.stdout, "no Portfile here; found %s: %s. Start it?", sv.Name, text.OneLine(sv.Command))
	default:
		fmt.Fprintln(s.stdout, "no Portfile here; found:")
		printFound(s.stdout, found)
		what := "them"
		if len(services) > 0 {
			what = wording.List(services)
		}
		fmt.Fprintf(s.stdout, "Start %s?", what)
	}
	fmt.Fprint(s.stdout, " [Y/n, w: write the Portfile and start] ")
	return s.answer()
}

// answer reads the answer to a question, in lower case; "n" at the end of the
// input.
func (s session) answer() string {
	answer, err := bufio.NewReader(s.stdin).ReadString('\n')
	if err != nil && answer == "" {
		fmt.Fprintln(s.stdout)
		return "n"
	}
	return strings.ToLower(strings.TrimSpace(answer))
}
