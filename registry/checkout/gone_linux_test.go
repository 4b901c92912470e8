package checkout

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/registry/internal/gittest"
)

// TestMain lets this binary run in other namespaces: "place" prints the Place
// of a directory, "gone" whether it is gone from a Place.
func TestMain(m *testing.M) {
	switch os.Getenv("CHECKOUT_TEST_ROLE") {
	case "place":
		fmt.Println(PlaceOf(os.Args[1]))
	case "gone":
		fmt.Println(ParsePlace(os.Args[2]).IsGone(os.Args[1]))
	default:
		os.Exit(m.Run())
	}
}

// isolated runs a shell script in a new mount namespace, with this binary as $0
// and dir as $1, and returns the words that it prints. It skips the test if
// that is not permitted.
func isolated(t *testing.T, dir, script string) string {
	t.Helper()
	if err := exec.Command("unshare", "-m", "true").Run(); err != nil {
		t.Skip("no mount namespaces:", err)
	}
	cmd := exec.Command("unshare", "-m", "sh", "-ec", `
		place() { CHECKOUT_TEST_ROLE=place "$0" "$1"; }
		gone() { CHECKOUT_TEST_ROLE=gone $chroot "$0" "$1" "$2"; }
		`+script, os.Args[0], dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// TestGoneFromHere removes a directory and its parents.
func TestGoneFromHere(t *testing.T) {
	dir := gittest.TempDir(t)
	shop := filepath.Join(dir, "work", "ann", "shop")
	gittest.Write(t, filepath.Join(shop, "Portfile"), "")
	p := PlaceOf(shop)
	if ParsePlace(p.String()) != p || p.IsGone(shop) || !p.IsHere() {
		t.Errorf("%v, read back %v", p, ParsePlace(p.String()))
	}
	for _, path := range []string{shop, filepath.Dir(shop), filepath.Join(dir, "work")} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if !p.IsGone(shop) {
			t.Errorf("%s is not gone with %s", shop, path)
		}
	}
	// A directory recorded by another machine may still exist there.
	p.machine = "another"
	if p.IsGone(shop) || p.IsHere() {
		t.Error("gone from another machine")
	}
	// Unless its parent directory is the recorded one.
	gittest.Write(t, filepath.Join(shop, "Portfile"), "")
	p = PlaceOf(shop)
	p.machine = "another"
	if err := os.RemoveAll(shop); err != nil {
		t.Fatal(err)
	}
	if !p.IsGone(shop) {
		t.Error("not gone from the shared parent directory")
	}
}

// A directory on a volume is gone only while that volume is mounted.
func TestUnmountedVolume(t *testing.T) {
	got := isolated(t, gittest.TempDir(t), `
		volume="$1/volume" shop="$1/volume/work/shop"
		mkdir "$volume"
		mount -t tmpfs none "$volume"
		mkdir -p "$shop"
		shop_was=$(place "$shop") volume_was=$(place "$volume")
		gone "$shop" "$shop_was"
		rm -r "$volume/work"
		gone "$shop" "$shop_was"
		umount "$volume"
		gone "$shop" "$shop_was"
		mount -t tmpfs none "$volume"
		gone "$shop" "$shop_was"
		umount "$volume"
		rmdir "$volume"
		gone "$volume" "$volume_was"`)
	if want := "false true false false false"; got != want {
		t.Errorf("gone: %s, want %s", got, want)
	}
}

// TestContainer looks for directories of the host in a chroot, as in a
// container that shares only one of them.
func TestContainer(t *testing.T) {
	dir := gittest.TempDir(t)
	for _, path := range []string{"host/shop", "home/shop", "home/old"} {
		gittest.Write(t, filepath.Join(dir, filepath.FromSlash(path), "Portfile"), "")
	}
	got := isolated(t, dir, `
		home="$1/home" host="$1/host" root="$1/root"
		shared=$(place "$home/shop") old=$(place "$home/old") apart=$(place "$host/shop")
		mkdir "$root"
		for d in /bin /lib* /usr /etc "$(dirname "$0")" "$home"; do
			if [ -L "$d" ]; then cp -P "$d" "$root/"; continue; fi
			mkdir -p "$root$d"
			mount --bind "$d" "$root$d"
		done
		chroot="chroot $root"
		rm -r "$home/old"
		gone "$home/shop" "$shared"
		gone "$home/old" "$old"
		gone "$host/shop" "$apart"
		rm -r "$host"
		chroot= gone "$host/shop" "$apart"`)
	if want := "false true false true"; got != want {
		t.Errorf("gone: %s, want %s", got, want)
	}
}

func TestFileID(t *testing.T) {
	dir := gittest.TempDir(t)
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	gittest.Write(t, filepath.Join(a, "x"), "")
	id := FileID(a)
	if err := os.Rename(a, b); err != nil {
		t.Fatal(err)
	}
	if id == "" || FileID(b) != id || FileID(a) != "" || FileID(dir) == id || volumeOf(id) != volumeOf(FileID(dir)) {
		t.Errorf("%q, moved %q, then %q in %q", id, FileID(b), FileID(a), FileID(dir))
	}
	// A reused inode does not give a new directory the old ID, once the clock of
	// the file system has advanced.
	for began := coarseTime(t); coarseTime(t) == began; {
		runtime.Gosched()
	}
	for range 20 {
		if err := os.RemoveAll(b); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(b, 0o755); err != nil {
			t.Fatal(err)
		}
		if FileID(b) == id {
			t.Fatalf("a new directory has the ID %s, too", id)
		}
	}
}

// coarseTime returns the time that the kernel gives to files.
func coarseTime(t *testing.T) unix.Timespec {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now); err != nil {
		t.Fatal(err)
	}
	return now
}
