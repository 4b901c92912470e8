package project_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// openings counts how often the files of a directory are opened for reading.
type openings struct{ fd int }

func watchOpenings(t *testing.T, dirs ...string) openings {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	for _, dir := range dirs {
		// Without the closing, the kernel would merge two openings into one
		// event.
		if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_OPEN|unix.IN_CLOSE_NOWRITE); err != nil {
			t.Fatal(err)
		}
	}
	return openings{fd}
}

// since returns the counts by name, and resets them.
func (o openings) since(t *testing.T) map[string]int {
	count := map[string]int{}
	for buf := make([]byte, 64<<10); ; {
		n, err := unix.Read(o.fd, buf)
		if err == unix.EAGAIN {
			return count
		} else if err != nil {
			t.Fatal(err)
		}
		for rest := buf[:n]; len(rest) > 0; {
			e := (*unix.InotifyEvent)(unsafe.Pointer(&rest[0]))
			name := rest[unix.SizeofInotifyEvent : unix.SizeofInotifyEvent+e.Len]
			if e.Mask&unix.IN_ISDIR == 0 && e.Mask&unix.IN_OPEN != 0 {
				count[string(bytes.TrimRight(name, "\x00"))]++
			}
			rest = rest[unix.SizeofInotifyEvent+e.Len:]
		}
	}
}

// TestLoadsOnce checks that an edit reads each file once.
func TestLoadsOnce(t *testing.T) {
	f := follow(t, map[string]string{
		"Portfile": "[services]\na = 'true'\n[services.b]\ncommand = 'true'\nenv_files = ['b.env']\n",
		".env":     "LEVEL=info\n", "b.env": "B=1\n",
	})
	opened := watchOpenings(t, f.dir, filepath.Dir(f.run.Project.Registry.Path()))
	for _, edit := range []struct {
		what, file, text string
		registry         int // the number of reads: a change reads it again with the lock held
	}{
		{"a command", "Portfile", "[services]\na = 'false'\n[services.b]\ncommand = 'true'\nenv_files = ['b.env']\n", 1},
		{"an env file", ".env", "LEVEL=debug\n", 1},
		{"a new service", "Portfile", "[services]\na = 'false'\nc = 'true'\n[services.b]\ncommand = 'true'\nenv_files = ['b.env']\n", 2},
	} {
		f.write(edit.file, edit.text)
		f.applied()
		got := opened.since(t)
		for _, file := range []string{"Portfile", ".env", "b.env"} {
			if got[file] != 1 {
				t.Errorf("%s: %s was read %d times", edit.what, file, got[file])
			}
		}
		if got["registry.json"] != edit.registry {
			t.Errorf("%s: the registry was read %d times, want %d", edit.what, got["registry.json"], edit.registry)
		}
	}
	if err := os.Remove(filepath.Join(f.dir, "b.env")); err != nil {
		t.Fatal(err)
	}
	f.refused()
	if got := opened.since(t); got["Portfile"] != 1 || got[".env"] != 1 || got["registry.json"] != 1 {
		t.Errorf("what is refused was read %v", got)
	}
}
