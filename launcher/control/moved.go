package control

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Running returns the run of a checkout, even if its directory has moved since the
// run started. If another directory was at this path then, the run is that
// directory's: its Replaced is true, and it holds the checkout's slot. ok is false
// if there is no run.
func (r Runs) Running(directory, worktree string) (i Instance, ok bool) {
	own, ok := r.Slot(directory, worktree).Running()
	if ok && !own.Replaced() {
		return own, true
	}
	if moved, found := r.movedTo(directory, worktree); found {
		return moved, true
	}
	for _, i := range r.Instances() { // the checkout may have had another label
		if !ok && i.Runs() && !i.Note.Shared && i.Note.Directory == directory && i.Replaced() && i.MovedTo() == "" {
			return i, true
		}
	}
	return own, ok
}

// Killed returns the killed runs of the directory now at directory that started
// when it was elsewhere: the next run there does not take over their slots.
func (r Runs) Killed(directory string) (killed []Instance) {
	id := directoryID(directory)
	for _, i := range r.Instances() {
		if id != "" && i.Killed() && !i.Note.Shared && i.Note.DirectoryID == id && i.Note.Directory != directory {
			killed = append(killed, i)
		}
	}
	return killed
}

// movedTo returns the run that started when the directory now at directory was
// elsewhere. If there are several, it returns the one with the label.
func (r Runs) movedTo(directory, worktree string) (Instance, bool) {
	id := directoryID(directory)
	if id == "" {
		return Instance{}, false
	}
	var found []Instance
	for _, i := range r.Instances() {
		if i.Runs() && !i.Note.Shared && i.Note.DirectoryID == id && i.Note.Directory != directory {
			found = append(found, i)
		}
	}
	for _, i := range found {
		if i.Note.Worktree == worktree {
			return i, true
		}
	}
	if len(found) != 1 {
		return Instance{}, false
	}
	return found[0], true
}

// Replaced reports whether another directory is now at the path of the run's.
func (i Instance) Replaced() bool {
	if i.Note.DirectoryID == "" {
		return false
	}
	now := directoryID(i.Note.Directory)
	return now != "" && now != i.Note.DirectoryID
}

// IsIn reports whether the directory of the run is now at directory.
func (i Instance) IsIn(directory string) bool {
	if id := directoryID(directory); id != "" && i.Note.DirectoryID != "" {
		return id == i.Note.DirectoryID
	}
	return i.Note.Directory == directory
}

// MovedTo returns the new path of the run's directory, if a process of the run has
// its working directory there; otherwise "".
func (i Instance) MovedTo() string {
	if i.Note.DirectoryID == "" {
		return ""
	}
	pids := []int{i.Note.PID}
	for _, p := range i.Processes() {
		pids = append(pids, p.PID)
	}
	for _, pid := range pids {
		at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)) // without /proc, it is unknown
		for err == nil && filepath.IsAbs(at) {
			if directoryID(at) == i.Note.DirectoryID {
				return at
			}
			up := filepath.Dir(at)
			if up == at {
				break
			}
			at = up
		}
	}
	return ""
}

// CheckoutDirectory returns the directory of the slot's last run; "" if
// unknown.
func (i Instance) CheckoutDirectory() string {
	if i.Note.Directory != "" {
		return i.Note.Directory
	}
	text, _ := os.ReadFile(i.checkoutFile())
	directory, complete := strings.CutSuffix(string(text), "\n")
	if !complete {
		return ""
	}
	return directory
}

// checkoutFile is the path of a file with the directory of the checkout; the
// note is gone once a run has ended normally.
func (s Slot) checkoutFile() string { return s.file(".checkout") }

// recordCheckout writes the checkout file if its content differs.
func (s Slot) recordCheckout(directory string) {
	line := directory + "\n"
	if text, err := os.ReadFile(s.checkoutFile()); err != nil || string(text) != line {
		_ = os.WriteFile(s.checkoutFile(), []byte(line), 0o600) // best effort: prune can do without
	}
}
