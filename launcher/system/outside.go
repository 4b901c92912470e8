package system

import (
	"path"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/envvar"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// outsideProgram is a program that a user shares between projects: the first
// program that needs it starts it. If that was a service, it leaves the
// service's process group and outlives the service.
type outsideProgram struct {
	name     string   // of the executable; "emacs" also matches "emacs-gtk"
	argument string   // part of one argument; "" matches any
	unless   []string // parts of arguments that exclude a process
}

// automated are arguments of a browser that is under the control of a program.
var automated = []string{"--headless", "--enable-automation", "--remote-debugging-", "--marionette", "-juggler"}

// outsidePrograms is documented in `devports help portfile`.
var outsidePrograms = []outsideProgram{
	// agents and daemons of the session
	{name: "gpg-agent"},
	{name: "dirmngr"},
	{name: "keyboxd"},
	{name: "scdaemon"},
	{name: "ssh-agent"},
	{name: "ssh", argument: "[mux]"}, // a shared connection: ControlPersist in ssh_config(5)
	{name: "dbus-daemon"},
	{name: "dbus-broker"},
	{name: "gnome-keyring-daemon"},
	// terminal multiplexers
	{name: "tmux"},
	{name: "screen"},
	{name: "zellij"},
	{name: "dtach"},
	{name: "abduco"},
	// build servers
	{name: "java", argument: "org.gradle.launcher.daemon."},
	{name: "java", argument: "KotlinCompileDaemon"},
	{name: "java", argument: "bazel("},
	{name: "bazel", argument: "bazel("},
	{name: "java", argument: "A-server.jar"},
	{name: "dotnet", argument: "VBCSCompiler"},
	{name: "dotnet", argument: "/nodemode:"},
	{name: "sccache"},
	{name: "watchman"},
	{name: "adb"},
	// editors
	{name: "emacs"},
	{name: "vim"},
	{name: "gvim"},
	{name: "nvim"},
	{name: "code"},
	{name: "codium"},
	{name: "cursor"},
	{name: "zed"},
	{name: "subl"},
	{name: "sublime_text"},
	{name: "gedit"},
	{name: "kate"},
	// browsers
	{name: "chrome", unless: automated},
	{name: "google-chrome", unless: automated},
	{name: "chromium", unless: automated},
	{name: "firefox", unless: automated},
	{name: "brave", unless: automated},
	{name: "msedge", unless: automated},
	{name: "microsoft-edge", unless: automated},
	{name: "opera", unless: automated},
	{name: "vivaldi", unless: automated},
}

// isOutsideProgram reports whether a process runs an outside program, or one of
// names.
func isOutsideProgram(executable string, args []string, names []string) bool {
	base := strings.TrimSuffix(path.Base(executable), " (deleted)") // proc_pid_exe(5)
	is := func(name string) bool { return base == name || strings.HasPrefix(base, name+"-") }
	if slices.ContainsFunc(names, is) {
		return true
	}
	return slices.ContainsFunc(outsidePrograms, func(p outsideProgram) bool {
		return is(p.name) && (p.argument == "" || anyContains(args, p.argument)) &&
			!slices.ContainsFunc(p.unless, func(part string) bool { return anyContains(args, part) })
	})
}

func anyContains(args []string, part string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, part) })
}

// markedOutside reports whether a process has envvar.Outside in its
// environment.
func markedOutside(pid int) bool {
	env, err := process.Environ(pid)
	return err == nil && slices.Contains(env, envvar.Outside+"=1")
}

// outside decides which processes a run leaves alone, though it has started
// them. The zero outside knows only outsidePrograms.
type outside struct {
	names []string // of further programs
}

// has reports whether a process is outside the run. A process that is still in
// the group or session of a service is outside only with envvar.Outside:
// otherwise it is a program of the service.
func (o outside) has(p proctree.Process, inGroup bool) bool {
	if markedOutside(p.PID) {
		return true
	}
	if inGroup {
		return false
	}
	executable, err := process.Executable(p.PID)
	return err == nil && isOutsideProgram(executable, strings.Fields(process.Command(p.PID)), o.names)
}

// split divides roots and their descendants into those of the run and those
// outside. Descendants of an outside process are in neither list. inGroup
// reports whether a process is in a group or session of a service.
func (o outside) split(t proctree.Tree, roots []proctree.Process, inGroup func(proctree.Process) bool) (ours, out []proctree.Process) {
	visit := func(p proctree.Process) (descend bool) {
		if o.has(p, inGroup(p)) {
			out = append(out, p)
			return false
		}
		ours = append(ours, p)
		return true
	}
	t.Walk(visit, roots...)
	return ours, out
}

// notInGroup is the inGroup of processes that have left all groups.
func notInGroup(proctree.Process) bool { return false }
