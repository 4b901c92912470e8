package export

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/procfile"
)

// Systemd returns units for the systemd of a user, one a service, and a target
// that wants them all. They run on this machine, with the ports and in the
// directories that devports up uses.
func Systemd(in Input) Result {
	u := units{in: in, lost: losses{file: in.File}}
	target := in.Project + ".target"
	var units []File
	var names []string
	for _, s := range in.File.Services {
		if _, ok := in.Plan.Service(s.Name); !ok || s.Step {
			u.skipped = append(u.skipped, s.Name)
			continue
		}
		if image, composed := declaredImage(u.in.File, s); image.name.Value != "" || composed != "" {
			u.lost.add(s.Pos, "podman's quadlet makes units of containers", "service %s runs in a container: left out", s.Name)
			u.skipped = append(u.skipped, s.Name)
			continue
		}
		units = append(units, File{u.name(s.Name), ""})
		if !optional(in.File, s) {
			names = append(names, u.name(s.Name))
		}
	}
	i := 0
	for _, s := range in.File.Services {
		if p, _ := in.Plan.Service(s.Name); !slices.Contains(u.skipped, s.Name) {
			units[i].Text = u.unit(s, p)
			i++
		}
	}
	u.differences()
	head := u.lost.header(Mark[2:] + in.File.Name + " by devports export --format systemd.\n" +
		"Copy the units to ~/.config/systemd/user, then: systemctl --user daemon-reload; systemctl --user start " + target)
	all := []File{{target, head + "\n[Unit]\nDescription=" + specifiers(in.Project) + "\nWants=" + strings.Join(names, " ") +
		"\n\n[Install]\nWantedBy=default.target\n"}}
	for _, g := range in.File.Groups {
		if members := u.members(g); len(members) > 0 {
			all = append(all, File{u.group(g), comment(Mark[2:]+in.File.Name+" by devports export --format systemd.") +
				"\n[Unit]\nDescription=" + specifiers(in.Project+": group "+g.Name) + "\nWants=" + strings.Join(members, " ") + "\n"})
		}
	}
	return Result{append(all, units...), u.lost.list, len(units) == 0}
}

type units struct {
	in      Input
	lost    losses
	skipped []string // services without a unit
}

// name returns the name of the unit of a service.
func (u *units) name(service string) string { return u.in.Project + "-" + service + ".service" }

// group returns the name of the target of a group.
func (u *units) group(g procfile.Group) string { return u.in.Project + "-" + g.Name + ".target" }

// members returns the names of the units of a group.
func (u *units) members(g procfile.Group) (names []string) {
	for _, service := range u.in.File.Expand([]string{g.Name}) {
		if !slices.Contains(u.skipped, service) {
			names = append(names, u.name(service))
		}
	}
	return names
}

// targets returns the names of the targets whose stop stops a service.
func (u *units) targets(service string) []string {
	targets := []string{u.in.Project + ".target"}
	for _, g := range u.in.File.Groups {
		if slices.Contains(u.in.File.Expand([]string{g.Name}), service) {
			targets = append(targets, u.group(g))
		}
	}
	return targets
}

// unit returns the unit of a service.
func (u *units) unit(s procfile.Service, p procfile.Process) string {
	var b strings.Builder
	line := func(key, value string) { b.WriteString(key + "=" + value + "\n") }
	b.WriteString(comment(Mark[2:]+u.in.File.Name+" by devports export --format systemd.") + "\n[Unit]\n")
	line("Description", specifiers(u.in.Project+": "+s.Name))
	line("PartOf", strings.Join(u.targets(s.Name), " "))
	if after := u.after(s); len(after) > 0 {
		line("Requires", strings.Join(after, " "))
		line("After", strings.Join(after, " "))
	}
	if p.Restart != procfile.RestartNo {
		line("StartLimitIntervalSec", "0") // it never gives up
	}
	b.WriteString("\n[Service]\n")
	if p.Ready.Kind == procfile.Done {
		line("Type", "oneshot")
		line("RemainAfterExit", "yes")
	} else {
		line("Type", "exec")
	}
	line("WorkingDirectory", specifiers(p.Dir))
	for _, v := range u.environment(p) {
		line("Environment", quoted(v.Name+"="+v.Value))
	}
	line("ExecStart", command(p))
	if u.checks(s, p) {
		line("ExecStartPost", readiness(p))
		line("TimeoutStartSec", timeoutOf(p.Ready.Timeout))
	} else if p.Ready.Kind == procfile.Done {
		line("TimeoutStartSec", timeoutOf(p.Ready.Timeout))
	}
	switch {
	case p.Restart == procfile.RestartNo:
	case p.Ready.Kind == procfile.Done && p.Restart == procfile.RestartAlways:
		line("Restart", "on-failure") // systemd refuses always
		line("RestartSec", "1")
	default:
		line("Restart", string(p.Restart))
		line("RestartSec", "1")
	}
	line("KillSignal", "SIG"+p.StopSignal)
	line("TimeoutStopSec", seconds(p.StopTimeout))
	return b.String()
}

// after returns the units that a service waits for.
func (u *units) after(s procfile.Service) []string {
	var list []string
	for _, d := range s.DependsOn {
		if slices.Contains(u.skipped, d.Value) {
			if step, _ := u.in.File.Service(d.Value); step.Step {
				continue // all of them are noted
			}
			u.lost.add(d.Pos, "", "service %s does not wait for %s, which has no unit", s.Name, d.Value)
			continue
		}
		list = append(list, u.name(d.Value))
	}
	return list
}

// awaited reports whether another service waits for s.
func (u *units) awaited(s procfile.Service) bool {
	return slices.ContainsFunc(u.in.File.Services, func(t procfile.Service) bool {
		return slices.ContainsFunc(t.DependsOn, func(d procfile.Text) bool { return d.Value == s.Name })
	})
}

// checks reports whether the unit of a service waits until it is ready.
func (u *units) checks(s procfile.Service, p procfile.Process) bool {
	return readiness(p) != "" && (s.Ready != "" || u.awaited(s))
}

// environment returns the variables of a service: what devports sets, and the
// PATH of the shell, without which systemd finds only the programs of the
// system.
func (u *units) environment(p procfile.Process) []procfile.Var {
	set := p.Env.Set()
	if path, ok := p.Env.Lookup("PATH"); ok && !slices.ContainsFunc(set, func(v procfile.Var) bool { return v.Name == "PATH" }) {
		set = append(slices.Clone(set), procfile.Var{Name: "PATH", Value: path})
	}
	return slices.DeleteFunc(slices.Clone(set), func(v procfile.Var) bool { return v.Name == envvar.Env })
}

// differences notes what units do not do.
func (u *units) differences() {
	running := filter(u.in.File.Services, func(s procfile.Service) bool { return !slices.Contains(u.skipped, s.Name) })
	commonDifferences(&u.lost, u.in.File, filter(running, func(s procfile.Service) bool { return s.ReplicaOf == "" || s.ReplicaOf == s.Name }))
	u.lost.services(filter(running, func(s procfile.Service) bool { return s.Build.Shell != "" || s.Build.Argv != nil }),
		"build it before you start the units", "build: systemd does not build it")
	u.lost.services(filter(running, func(s procfile.Service) bool { return waits(u.in.File, s) }),
		"", "depends_on: systemd stops and restarts it together with what it depends on")
	needs := map[string][]procfile.Service{}
	for _, s := range running {
		p, _ := u.in.Plan.Service(s.Name)
		if program := probePrograms[p.Ready.Kind]; program != "" && u.checks(s, p) {
			needs[program] = append(needs[program], s)
		}
		if p.Ready.Kind == procfile.Log {
			u.lost.add(s.ReadyPos, "", "systemd does not wait for what a service prints: %s counts as ready as soon as it starts", s.Name)
		}
	}
	for _, program := range slices.Sorted(maps.Keys(needs)) {
		u.lost.services(needs[program], "", "ready: its unit waits with %s, which must be installed", program)
	}
	if len(running) > 0 {
		u.lost.add(procfile.Position{}, "", "the units contain the current values of the variables of the Portfile and its env files, and your PATH; nothing else from your shell's environment")
	}
}

// command returns the command of a process for ExecStart.
func command(p procfile.Process) string {
	words := append([]string{"/usr/bin/env"}, p.Argv...)
	if p.Argv == nil {
		words = []string{"/bin/sh", "-c", p.Shell}
	}
	return arguments(words)
}

// probePrograms are the programs of readiness, besides a shell.
var probePrograms = map[procfile.CheckKind]string{procfile.TCP: "bash", procfile.HTTP: "curl"}

// readiness returns a command that waits until a process is ready.
func readiness(p procfile.Process) string {
	check := ""
	switch p.Ready.Kind {
	case procfile.TCP:
		return arguments([]string{"/bin/bash", "-c", fmt.Sprintf("until { : </dev/tcp/127.0.0.1/%d || : </dev/tcp/::1/%d; } 2>/dev/null; do sleep 0.1; done", p.Port, p.Port)})
	case procfile.HTTP:
		check = fmt.Sprintf("curl -fsS -o /dev/null %s", shellQuote(fmt.Sprintf("http://localhost:%d%s", p.Port, p.Ready.Arg)))
	case procfile.Exec:
		check = "( " + p.Ready.Arg + "\n) >/dev/null"
	default:
		return ""
	}
	return arguments([]string{"/bin/sh", "-c", "until " + check + " 2>/dev/null; do sleep 0.5; done"})
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// seconds returns a duration as systemd reads it.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
}

// timeoutOf is seconds, or infinity for none.
func timeoutOf(d time.Duration) string {
	if d == 0 {
		return "infinity"
	}
	return seconds(d)
}

// arguments returns words for ExecStart and the like, where a dollar is a
// variable (systemd.service(5), "Command lines").
func arguments(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		if w != "" && strings.Trim(w, plain) == "" {
			list[i] = w
			continue
		}
		list[i] = strings.ReplaceAll(quoted(w), "$", "$$")
	}
	return strings.Join(list, " ")
}

// plain are the characters of words that need no quotes.
const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-"

// quoted returns a string in double quotes, with the escapes of systemd's
// syntax (systemd.syntax(7), "Quoting"), and without specifiers.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '%':
			b.WriteString("%%")
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// specifiers returns a string without the meaning of percent signs.
func specifiers(s string) string { return strings.ReplaceAll(filepath.ToSlash(s), "%", "%%") }
