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
// takes for itself.
func examineMachine(leases []registry.Lease) []Finding {
	local, err := allocator.LocalPorts()
	if err != nil {
		return []Finding{{Check: "machine", Level: Warning, What: err.Error(), Why: "its ephemeral ports are guessed"}}
	}
	var findings []Finding
	if left, widened := allocator.NewPool(allocator.Set{}, local).Widened(); widened {
		findings = append(findings, Finding{
			Check: "machine", Level: Warning,
			What: fmt.Sprintf("the ephemeral range %s leaves only %d ports to choose from", local.Ephemeral, left),
			Why:  "ports are chosen from it, too, and an outgoing connection may hold one when its service starts",
			Mend: sysctl(`net.ipv4.ip_local_port_range="32768 60999"`),
		})
	}
	var names []string
	var exposed allocator.Set
	for _, l := range leases {
		if local.Ephemeral.Contains(l.Port) && !local.Reserved.Contains(l.Port) {
			names = append(names, fmt.Sprintf("%s (%d)", l.String(), l.Port))
			exposed = exposed.Union(allocator.NewSet(allocator.Range{First: l.Port, Last: l.Port}))
		}
	}
	if len(names) > 0 {
		findings = append(findings, Finding{
			Check: "machine", Level: Warning,
			What: fmt.Sprintf("in the ephemeral range %s lie the ports of %s", local.Ephemeral, wording.List(names)),
			Why:  "an outgoing connection may hold such a port when its service starts",
			Mend: sysctl(fmt.Sprintf("net.ipv4.ip_local_reserved_ports=%s", local.Reserved.Union(exposed))),
		})
	}
	return all(findings, "machine", "no port that is kept lies in the ephemeral range %s", local.Ephemeral)
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
			Mend: sysctl(limit.Setting),
		})
	}
	if onFolders.Max == 0 { // the system has no such limit
		return findings
	}
	return all(findings, "watching", "up watches %s; of the %d that this user may watch, others watch %d",
		wording.Count(folders, "folder"), onFolders.Max, onFolders.Used)
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
		Mend: fmt.Sprintf("ulimit -n %d, in the shell that starts up", max(1024, 2*need)),
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
