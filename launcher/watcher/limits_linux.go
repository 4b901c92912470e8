package watcher

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// limit is one of the two limits of inotify. The kernel has each twice: for the
// system, and for a user namespace, such as that of a container.
type limit struct {
	system, namespace string
	usual             int // common on systems with large trees
}

var (
	directories = limit{"fs.inotify.max_user_watches", "user.max_inotify_watches", 524288}
	watchers    = limit{"fs.inotify.max_user_instances", "user.max_inotify_instances", 1024}
)

// current returns the lower of the limits that apply here, and its name.
func (l limit) current() (name string, value int) {
	name, value = l.system, sysctl(l.system)
	if own := sysctl(l.namespace); own < value {
		return l.namespace, own
	}
	return name, value
}

// settingOf suggests the usual value, or twice the current one if that is at least
// the usual.
func settingOf(l limit) string {
	name, present := l.current()
	if present >= l.usual {
		return fmt.Sprintf("%s=%d", name, 2*present)
	}
	return fmt.Sprintf("%s=%d", name, l.usual)
}

// sysctl returns the value of a setting, a very large number if it is not readable.
func sysctl(name string) int {
	text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	value, e := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || e != nil {
		return math.MaxInt32
	}
	return value
}

func limits(except int) (d, w Usage) {
	_, d.Max = directories.current()
	_, w.Max = watchers.current()
	d.Setting, w.Setting = settingOf(directories), settingOf(watchers)
	processes, _ := filepath.Glob("/proc/[0-9]*")
	d.Used, w.Used = used(processes, except)
	return d, w
}

// used counts the watched directories and the watchers of processes, which are
// given as directories of /proc.
func used(processes []string, except int) (directories, watchers int) {
	for _, process := range processes {
		if filepath.Base(process) == strconv.Itoa(except) || !own(process) {
			continue
		}
		descriptors, _ := os.ReadDir(filepath.Join(process, "fd"))
		for _, d := range descriptors {
			if target, _ := os.Readlink(filepath.Join(process, "fd", d.Name())); target != "anon_inode:inotify" {
				continue
			}
			info, _ := os.ReadFile(filepath.Join(process, "fdinfo", d.Name())) // proc_pid_fdinfo(5)
			watchers++
			directories += strings.Count(string(info), "inotify wd:")
		}
	}
	return directories, watchers
}

// own reports whether a file belongs to this user: the kernel counts watches per
// user.
func own(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
