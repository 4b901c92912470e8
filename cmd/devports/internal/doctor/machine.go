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

// examineMachine compares the ports that are kept with those that the system
// takes for itself. allow is where ports are to come from, and named how that is written where it is.
func examineMachine(leases []registry.Lease, allow allocator.Set, named string) []Finding {
	local, err := allocator.LocalPorts()
	if err != nil {
		return []Finding{{Check: "machine", Level: Warning, What: err.Error(), Why: "its ephemeral ports are guessed"}}
	}
	findings := examineRange(allow, named, local)
	var names []string
	var exposed []int
	for _, l := range leases {
		if local.Exposes(l.Port) {
			names = append(names, fmt.Sprintf("%s (%d)", l.String(), l.Port))
			exposed = append(exposed, l.Port)
		}
	}
	if len(names) > 0 {
		findings = append(findings, Finding{
			Check: "machine", Level: Warning,
			What: fmt.Sprintf("in the ephemeral range %s lie the ports of %s", local.Ephemeral, wording.List(names)),
			Why:  "an outgoing connection may hold such a port when its service starts",
			Fix:  reserve(local, exposed...),
		})
	}
	return all(findings, "machine", "no port that is kept lies in the ephemeral range %s", local.Ephemeral)
}

// examineRange looks for what leaves too few ports to choose from.
func examineRange(allow allocator.Set, named string, local allocator.Local) []Finding {
	left, widened := allocator.NewPool(allow, local).Widened()
	if !widened {
		return nil
	}
	if !allow.Empty() {
		return []Finding{{
			Check: "machine", Level: Warning,
			What: fmt.Sprintf("%s has only %d ports that nothing else wants on this machine", text.OneLine(named), left),
			Why:  "others of it are chosen, too, which something else may hold when their service starts",
			Fix:  "name a wider range, or none",
		}}
	}
	f := Finding{
		Check: "machine", Level: Warning,
		What: fmt.Sprintf("the ephemeral range %s leaves only %d ports to choose from", local.Ephemeral, left),
		Why:  "ports are chosen from it, too, and an outgoing connection may hold one when its service starts",
		Fix:  sysctl(`net.ipv4.ip_local_port_range="32768 60999"`),
	}
	withoutReserved := local
	withoutReserved.Reserved = allocator.Set{}
	if _, widened := allocator.NewPool(allow, withoutReserved).Widened(); !widened {
		f.What = fmt.Sprintf("the reserved ports of this machine (net.ipv4.ip_local_reserved_ports) leave only %d ports to choose from", left)
		f.Why = "ports are chosen elsewhere; reserved ones are left to whoever names them"
		f.Fix = fmt.Sprintf("if they are meant for devports, name them: DEVPORTS_RANGE=%s, or range in the Portfile", local.Reserved)
	}
	return []Finding{f}
}

// reserve is how ports are kept from outgoing connections.
func reserve(local allocator.Local, ports ...int) string {
	reserved := local.Reserved
	for _, port := range ports {
		reserved = reserved.Union(allocator.NewSet(allocator.Range{First: port, Last: port}))
	}
	return sysctl("net.ipv4.ip_local_reserved_ports=" + reserved.String())
}

// examineWatching looks whether all that up watches for a plan can be watched.
// What the up that runs already has is not counted twice; pid is 0 if none runs.
func examineWatching(plan procfile.Plan, root string, pid int) []Finding {
	folders, watchers, patterns := watcher.Count(plan.Watched), 1, plan.Patterns()
	if len(patterns) > 0 {
		code, err := watcher.CountTree(root, patterns)
		if err != nil {
			return []Finding{{Check: "watching", Level: Warning, What: err.Error(), Why: "no edit of the code restarts its service"}}
		}
		folders, watchers = folders+code, watchers+1
	}
	onFolders, onWatchers := watcher.Limits(pid)
	var findings []Finding
	for _, limit := range []struct {
		watcher.Usage
		need int
		noun string
	}{{onFolders, folders, "watched folder"}, {onWatchers, watchers, "inotify instance"}} {
		if limit.Max == 0 || limit.Used+limit.need <= limit.Max {
			continue
		}
		findings = append(findings, Finding{
			Check: "watching", Level: Warning,
			What: fmt.Sprintf("up needs %s, but this user may have %d, and has %d already", wording.Count(limit.need, limit.noun), limit.Max, limit.Used),
			Why:  "edits that are not seen restart nothing",
			Fix:  sysctl(limit.Setting),
		})
	}
	if len(findings) == 0 {
		if err := tryWatching(plan.Watched); err != nil {
			return []Finding{{
				Check: "watching", Level: Warning, What: "files cannot be watched here: " + err.Error(),
				Why: "edits that are not seen restart nothing", Fix: "after an edit, devports restart; without the note at each start, devports up --no-watch",
			}}
		}
	}
	if onFolders.Max == 0 { // the system has no such limit
		return findings
	}
	return all(findings, "watching", "up watches %s; of the %d that this user may watch, others watch %d",
		wording.Count(folders, "folder"), onFolders.Max, onFolders.Used)
}

// tryWatching watches files for a moment: a sandbox may refuse it.
func tryWatching(files []string) error {
	w, err := watcher.New()
	if err != nil {
		return err
	}
	defer w.Close()
	return w.Watch(files)
}

// spareFiles is how many files `up` has open at most beside one for each
// service: its own, those of services that are being started, and of whoever
// asks it for something.
const spareFiles = 64

// examineOpenFiles looks whether up may have as many files open as it has
// services.
func examineOpenFiles(plan procfile.Plan) []Finding {
	need, most := len(plan.Services)+spareFiles, maxOpenFiles()
	if need <= most {
		return nil
	}
	return []Finding{{
		Check: "machine", Level: Warning,
		What: fmt.Sprintf("up opens some %d files for %s, but a process may have only %d here", need, wording.Count(len(plan.Services), "service"), most),
		Why:  "services that come too late cannot be started",
		Fix:  fmt.Sprintf("ulimit -n %d, in the shell that starts up", max(1024, 2*need)),
	}}
}

// sysctl is how a setting is made, and made to last.
func sysctl(setting string) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	line := strings.ReplaceAll(setting, `"`, "")
	return fmt.Sprintf("sudo sysctl -w %s; to keep it: echo %s | sudo tee -a /etc/sysctl.d/60-devports.conf", setting, text.QuoteSh(line))
}
