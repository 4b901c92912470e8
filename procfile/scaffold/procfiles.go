package scaffold

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/devports/devports/procfile"
)

// procfiles returns the services of Procfile.dev, or of Procfile. production
// means that this is a Procfile for deployment.
func procfiles(t tree) (f findings, production bool) {
	candidates := []string{"Procfile.dev", "Procfile.development", "Procfile.local", "Procfile"}
	if named := optionsProcfile(t); named != "" {
		candidates = append([]string{named}, candidates...)
	}
	taken := ""
	for _, name := range unique(candidates) {
		src, ok := t.read(name)
		if !ok {
			continue
		}
		if taken != "" {
			f.leaveOut(name, "%s takes precedence", taken)
			continue
		}
		before := len(f.candidates)
		entries(t, name, src, &f)
		if len(f.candidates) > before {
			taken, production = name, name == "Procfile" && forDeployment(t, string(src))
		}
	}
	if len(f.candidates) > 0 && !production {
		f.env = binDevExports(t, taken)
	}
	return f, production
}

// optionsProcfile returns the Procfile that foreman's or overmind's options
// name.
func optionsProcfile(t tree) string {
	for line := range strings.Lines(t.text(".foreman") + "\n" + t.text(".overmind.env")) {
		for _, key := range []string{"procfile:", "OVERMIND_PROCFILE="} {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok {
				if value = strings.Trim(value, " '\""); value != "" && t.exists(path.Clean(value)) {
					return path.Clean(value)
				}
			}
		}
	}
	return ""
}

func entries(t tree, name string, src []byte, f *findings) {
	parsed, err := procfile.Parse(name, src)
	var problems procfile.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			f.leaveOut(fmt.Sprintf("%s, line %d", name, p.Line), "%s", p.Text)
		}
	}
	for _, entry := range parsed.Services {
		if entry.Name == "release" {
			f.leaveOut(name+", release", "it runs once per deployment")
			continue
		}
		if strings.ContainsRune(entry.Command.Shell, 0) {
			continue // it is among the problems
		}
		s := Service{Origin: name, Command: entry.Command.Shell}
		s.adopt(PortFlagIn(t.fs, s.Command), name)
		if entry.Name != "web" || rebuilds(s.Command) {
			s.guessPort(entry.Name, s.Command)
		}
		f.add(s, entry.Name)
	}
}

// deployment matches what commands for deployment contain.
var deployment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`target/release|\bgunicorn\b|\bgunicorn_|-e production|=production\b|--env[ =]production|start:prod|node (\./)?(dist|build)/|java .*-jar|\bbin/(server|start)\b|vendor/bin/heroku|\bdaphne\b|\bhypercorn\b|dotnet .*\.dll|mix .*release`)
})

// forDeployment reports whether a Procfile describes a deployment.
func forDeployment(t tree, src string) bool {
	return strings.HasPrefix(src, "release:") || strings.Contains(src, "\nrelease:") || deployment().MatchString(src) || len(t.present([]string{"app.json", "heroku.yml"})) > 0
}

// exported matches an unconditional export of a plain value in a shell script.
var exported = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^export ([A-Za-z_][A-Za-z0-9_]*)=("[^"$` + "`" + `\\]*"|'[^']*'|[A-Za-z0-9_./:-]*)$`)
})

// binDevExports returns the variables that bin/dev sets before it starts the
// Procfile.
func binDevExports(t tree, taken string) (env []Variable) {
	script := t.text("bin/dev")
	if !strings.HasPrefix(script, "#!") || !strings.Contains(script, taken) {
		return nil
	}
	for line := range strings.Lines(script) {
		m := exported().FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || m[1] == "PORT" {
			continue
		}
		if value := strings.Trim(m[2], `"'`); printable(value) {
			env = append(env, Variable{m[1], strings.ReplaceAll(value, "$", "$$"), "bin/dev sets them."})
		}
	}
	return env
}

// mergeProcfile merges the services of a Procfile with those that were found in
// the sources. A Procfile for development declares everything. One for
// deployment adds only its workers to the servers of the sources.
func mergeProcfile(declared findings, production bool, guessed findings) findings {
	serves := slices.ContainsFunc(guessed.candidates, func(c candidate) bool { return !c.NoPort })
	if len(declared.candidates) == 0 {
		guessed.leftOut = append(declared.leftOut, guessed.leftOut...)
		return guessed
	}
	file := declared.candidates[0].Origin
	if !production || !serves {
		for _, origin := range guessed.origins() {
			declared.leaveOut(origin, "%s declares the services", file)
		}
		declared.packages = guessed.packages
		return declared
	}
	merged := guessed
	merged.leftOut = append(declared.leftOut, guessed.leftOut...)
	hasWorkers := slices.ContainsFunc(guessed.candidates, func(c candidate) bool { return c.Worker && !rebuilds(c.Command) })
	for _, c := range declared.candidates {
		if c.names[0] != "web" && c.NoPort && !hasWorkers && !deployment().MatchString(c.Command) {
			merged.candidates = append(merged.candidates, c)
			continue
		}
		merged.leaveOut(file+", "+c.names[0], "it is for deployment: %s starts it for development", guessed.origins()[0])
	}
	return merged
}
