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

// limit is one of inotify's two. The kernel has it twice: for the system, and
// for a user namespace, such as a container's.
type limit struct {
	system, namespace string
	usual             int // what systems with large trees have
}

var (
	folders  = limit{"fs.inotify.max_user_watches", "user.max_inotify_watches", 524288}
	watchers = limit{"fs.inotify.max_user_instances", "user.max_inotify_instances", 1024}
)

// now returns the lower of the limits that hold here, and its name.
func (l limit) now() (name string, value int) {
	name, value = l.system, sysctl(l.system)
	if own := sysctl(l.namespace); own < value {
		return l.namespace, own
	}
	return name, value
}

// settingOf suggests the usual value, or twice the present one if that is not
// less.
func settingOf(l limit) string {
	name, present := l.now()
	if present >= l.usual {
		return fmt.Sprintf("%s=%d", name, 2*present)
	}
	return fmt.Sprintf("%s=%d", name, l.usual)
}

// sysctl reads a setting, and a very large number if it cannot be read.
func sysctl(name string) int {
	text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	value, e := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || e != nil {
		return math.MaxInt32
	}
	return value
}

func limits(except int) (f, w Usage) {
	_, f.Max = folders.now()
	_, w.Max = watchers.now()
	f.Setting, w.Setting = settingOf(folders), settingOf(watchers)
	processes, _ := filepath.Glob("/proc/[0-9]*")
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
			w.Used++
			f.Used += strings.Count(string(info), "inotify wd:")
		}
	}
	return f, w
}

// own reports whether a file is this user's, to whom the kernel counts the
// watches.
func own(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
