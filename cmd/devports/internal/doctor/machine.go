package doctor

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// examineMachine compares the leased ports with the ephemeral ones of the
// system. allow is the range to choose ports from, and named the text that sets it.
func examineMachine(leases []registry.Lease, allow allocator.Set, named string) []Finding {
	local, err := allocator.LocalPorts()
	if err != nil {
		return []Finding{{Check: "machine", Level: Warning, What: err.Error(), Why: "devports assumes the default ephemeral range"}}
	}
	findings := examineRange(allow, named, local)
	var names []string
	var exposed []int
	for _, l := range leases {
		if local.MayBeEphemeral(l.Port) {
			names = append(names, fmt.Sprintf("%s (%d)", l.String(), l.Port))
			exposed = append(exposed, l.Port)
		}
	}
	if len(names) > 0 {
		findings = append(findings, Finding{
			Check: "machine", Level: Warning,
			What: fmt.Sprintf("ports in the ephemeral range %s: %s", local.Ephemeral, wording.List(names)),
			Why:  "an outgoing connection may hold such a port when its service starts",
			Fix:  reserve(local, exposed...),
		})
	}
	return all(findings, "machine", "no leased port is in the ephemeral range %s", local.Ephemeral)
}

// examineRange checks that there are enough ports to choose from.
func examineRange(allow allocator.Set, named string, local allocator.Local) []Finding {
	left, cause := allocator.NewPool(allow, local).Widened()
	f := Finding{Check: "machine", Level: Warning, What: wording.Shortage(left, cause, text.OneLine(named), local)}
	switch cause {
	case allocator.NoCause:
		return nil
	case allocator.SmallRange:
		f.Why = "devports also chooses assigned ones, which another program may hold when a service starts"
		f.Fix = "widen that range, or remove it"
	case allocator.EphemeralPorts:
		f.Why = "devports also chooses ports in it, which an outgoing connection may hold when a service starts"
		f.Fix = sysctl(`net.ipv4.ip_local_port_range="32768 60999"`)
	case allocator.ReservedPorts:
		f.Why = "devports uses reserved ports only if a range names them, and chooses others instead"
		f.Fix = fmt.Sprintf("if they are reserved for devports, name them: DEVPORTS_RANGE=%s, or range in the Portfile", local.Reserved)
	}
	return []Finding{f}
}

// reserve is the command that reserves ports against outgoing connections.
func reserve(local allocator.Local, ports ...int) string {
	reserved := local.Reserved
	for _, port := range ports {
		reserved = reserved.Union(allocator.NewSet(allocator.Range{First: port, Last: port}))
	}
	return sysctl("net.ipv4.ip_local_reserved_ports=" + reserved.String())
}

// examineWatching checks that up can watch all files of a plan. The watches of
// the running up with this pid are not counted twice; pid is 0 if none runs.
func examineWatching(plan procfile.Plan, root string, pid int) []Finding {
	directories, watchers, files, patterns := watcher.Count(plan.Watched), 1, 0, plan.Patterns()
	if len(patterns) > 0 {
		code, err := watcher.CountTree(root, patterns)
		if err != nil {
			return []Finding{{Check: "watching", Level: Warning, What: err.Error(), Why: "edits to the code do not restart services"}}
		}
		directories, watchers, files = directories+code.Directories, watchers+1, code.Files
	}
	onDirectories, onWatchers := watcher.Limits(pid)
	var findings []Finding
	for _, limit := range []struct {
		watcher.Usage
		need int
		noun string
	}{{onDirectories, directories, "watched directory"}, {onWatchers, watchers, "inotify instance"}} {
		if limit.Max == 0 || limit.Used+limit.need <= limit.Max {
			continue
		}
		findings = append(findings, Finding{
			Check: "watching", Level: Warning,
			What: fmt.Sprintf("up needs %s, but the limit of this user is %d, and %d are in use", wording.Count(limit.need, limit.noun), limit.Max, limit.Used),
			Why:  "edits to files that are not watched do not restart services",
			Fix:  sysctl(limit.Setting),
		})
	}
	if len(findings) == 0 {
		if err := tryWatching(plan.Watched); err != nil {
			return []Finding{{
				Check: "watching", Level: Warning, What: "cannot watch files here: " + err.Error(),
				Why: "edits to files that are not watched do not restart services", Fix: "run devports restart after an edit; devports up --no-watch avoids the note at each start",
			}}
		}
	}
	if most := watcher.FileLimit(); most > 0 {
		return append(findings, watchedFiles(files, most)...)
	}
	if onDirectories.Max == 0 { // the system has no such limit
		return findings
	}
	return all(findings, "watching", "up watches %s; other programs watch %d, of a limit of %d",
		wording.Count(directories, "directory"), onDirectories.Used, onDirectories.Max)
}

// watchedFiles judges how many files watching opens, by the limit of open files.
func watchedFiles(files, limit int) []Finding {
	f := Finding{
		Check: "watching", Level: Warning,
		What: fmt.Sprintf("watching for edits requires %s; the limit per process is %d", wording.Count(files, "open file"), limit),
		Fix:  fmt.Sprintf("watch fewer directories (\"!generated/**\"), or raise the limit: %s", watcher.RaiseFileLimit(watcher.LimitFor(files))),
	}
	switch watcher.LoadOf(files, limit) {
	case watcher.Light:
		return all(nil, "watching", "up opens %s to watch for edits; the limit of open files per process is %d", wording.Count(files, "file"), limit)
	case watcher.Heavy:
		f.Why = "with twice as many files, edits to some of them would not restart services"
	case watcher.TooMuch:
		f.Why = fmt.Sprintf("up opens at most %d files for watching: edits to the others do not restart services", limit/2)
	}
	return []Finding{f}
}

// tryWatching watches files briefly: a sandbox may refuse it.
func tryWatching(files []string) error {
	w, err := watcher.New()
	if err != nil {
		return err
	}
	defer w.Close()
	return w.Watch(files)
}

// spareFiles is how many files `up` has open at most in addition to one for
// each service: its own, those of services that are being started, and of
// clients.
const spareFiles = 64

// examineOpenFiles checks that up may open enough files for its services.
func examineOpenFiles(plan procfile.Plan) []Finding {
	need, most := len(plan.Services)+spareFiles, maxOpenFiles()
	if limit := watcher.FileLimit(); limit > 0 {
		most = min(most, limit)
	}
	if need <= most {
		return nil
	}
	return []Finding{{
		Check: "machine", Level: Warning,
		What: fmt.Sprintf("up opens about %d files for %s, but the limit of a process is %d", need, wording.Count(len(plan.Services), "service"), most),
		Why:  "the last services will fail to start",
		Fix:  fmt.Sprintf("ulimit -n %d, in the shell that starts devports up", max(1024, 2*need)),
	}}
}

// sysctl is the command that makes a kernel setting, now and permanently.
func sysctl(setting string) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	line := strings.ReplaceAll(setting, `"`, "")
	return fmt.Sprintf("sudo sysctl -w %s; to make it permanent: echo %s | sudo tee -a /etc/sysctl.d/60-devports.conf", setting, text.QuoteSh(line))
}
