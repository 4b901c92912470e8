package system

import (
	"path"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/envvar"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// sharedProgram is a program that a user shares between projects: whatever
// needs it first starts it. If that was a service, it leaves the service's
// process group and goes on when the service ends.
type sharedProgram struct {
	name     string   // of the executable; "emacs" is also "emacs-gtk"
	argument string   // part of one argument; "" for any arguments
	unless   []string // parts of arguments with which it is not shared
}

// automated are the arguments of a browser that a program has started for
// itself.
var automated = []string{"--headless", "--enable-automation", "--remote-debugging-", "--marionette", "-juggler"}

// sharedPrograms is the list that `devports help portfile` refers to.
var sharedPrograms = []sharedProgram{
	// agents and daemons of the session
	{name: "gpg-agent"},
	{name: "dirmngr"},
	{name: "keyboxd"},
	{name: "scdaemon"},
	{name: "ssh-agent"},
	{name: "ssh", argument: "[mux]"}, // a connection that is shared, ControlPersist in ssh_config(5)
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

// isShared reports whether a process is one of the shared programs, or one that
// names has.
func isShared(executable string, args []string, names []string) bool {
	base := strings.TrimSuffix(path.Base(executable), " (deleted)") // proc_pid_exe(5)
	is := func(name string) bool { return base == name || strings.HasPrefix(base, name+"-") }
	if slices.ContainsFunc(names, is) {
		return true
	}
	return slices.ContainsFunc(sharedPrograms, func(p sharedProgram) bool {
		return is(p.name) && (p.argument == "" || anyContains(args, p.argument)) &&
			!slices.ContainsFunc(p.unless, func(part string) bool { return anyContains(args, part) })
	})
}

func anyContains(args []string, part string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, part) })
}

// isExempt reports whether a process carries envvar.Outside.
func markedOutside(pid int) bool {
	env, err := process.Environ(pid)
	return err == nil && slices.Contains(env, envvar.Outside+"=1")
}

// outside decides which processes a run leaves alone, though it has started
// them. The zero outside knows the shared programs.
type outside struct {
	names []string // of more programs that the user shares
}

// has reports whether a process is left alone for what it is. One that is still
// in the process group or session of a service is so only by envvar.Outside:
// what is there is the service's program.
func (o outside) has(p proctree.Process, inGroup bool) bool {
	if markedOutside(p.PID) {
		return true
	}
	if inGroup {
		return false
	}
	executable, err := process.Executable(p.PID)
	return err == nil && isShared(executable, strings.Fields(process.Command(p.PID)), o.names)
}

// split divides roots, and all that is below them, into what is the run's and
// what is outside. Everything below an outside process is outside, too, and not
// in either list. inGroup tells of a process whether it is in a group or session
// of a service.
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

// notInGroup is for what has left the groups of all services.
func notInGroup(proctree.Process) bool { return false }
