package control

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Running returns the run of a checkout, also one that was started before the
// folder was moved to here. If another folder was at its path then, which was
// removed, or has been moved since, it is that one's run, of which Replaced is
// true, and has the checkout's slot. ok is false if there is none.
func (f Folder) Running(directory, worktree string) (i Instance, ok bool) {
	own, ok := f.Slot(directory, worktree).Running()
	if ok && !own.Replaced() {
		return own, true
	}
	if moved, found := f.movedTo(directory, worktree); found {
		return moved, true
	}
	for _, i := range f.Instances() { // its checkout may have had another label
		if !ok && i.Runs() && i.Note.Directory == directory && i.Replaced() && i.MovedTo() == "" {
			return i, true
		}
	}
	return own, ok
}

// Killed returns the runs that were killed whose folder is at that path now, and
// was elsewhere when they began: no next run there takes over their slot.
func (f Folder) Killed(directory string) (killed []Instance) {
	id := directoryID(directory)
	for _, i := range f.Instances() {
		if id != "" && i.Killed() && i.Note.DirectoryID == id && i.Note.Directory != directory {
			killed = append(killed, i)
		}
	}
	return killed
}

// movedTo returns the run of the folder that is at a path now, and was elsewhere
// when the run began. Of several it is the one with the label.
func (f Folder) movedTo(directory, worktree string) (Instance, bool) {
	id := directoryID(directory)
	if id == "" {
		return Instance{}, false
	}
	var found []Instance
	for _, i := range f.Instances() {
		if i.Runs() && i.Note.DirectoryID == id && i.Note.Directory != directory {
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

// Replaced reports whether another folder is now where that of the run was.
func (i Instance) Replaced() bool {
	if i.Note.DirectoryID == "" {
		return false
	}
	now := directoryID(i.Note.Directory)
	return now != "" && now != i.Note.DirectoryID
}

// IsIn reports whether the folder of the run is now at that path.
func (i Instance) IsIn(directory string) bool {
	if id := directoryID(directory); id != "" && i.Note.DirectoryID != "" {
		return id == i.Note.DirectoryID
	}
	return i.Note.Directory == directory
}

// MovedTo returns where the folder of the run was moved to, as far as a process of
// the run shows that, which works in it; else "".
func (i Instance) MovedTo() string {
	if i.Note.DirectoryID == "" {
		return ""
	}
	pids := []int{i.Note.PID}
	for _, p := range i.Processes() {
		pids = append(pids, p.PID)
	}
	for _, pid := range pids {
		at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)) // where there is none, it is not known
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

// CheckoutDirectory is where the checkout of the slot's last run was; "" if that is not
// known.
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

// checkoutFile is the path of a file that keeps the directory of the checkout,
// which the note does not when a run has ended by itself.
func (s Slot) checkoutFile() string { return s.file(".checkout") }

// noteCheckout writes the checkout file, unless it is as it should be.
func (s Slot) recordCheckout(directory string) {
	line := directory + "\n"
	if text, err := os.ReadFile(s.checkoutFile()); err != nil || string(text) != line {
		_ = os.WriteFile(s.checkoutFile(), []byte(line), 0o600) // on a full disk, prune does without
	}
}
