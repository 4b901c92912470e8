package logstore

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/atomicfile"
	"github.com/devports/devports/allocator/lockfile"
)

// Store is the log store of a user.
type Store struct {
	path  string
	limit int64
}

// New returns the store in devports' home, with a size limit in bytes.
func New(home string, limit int64) Store { return Store{filepath.Join(home, "logs"), limit} }

// Path is the directory of the store.
func (s Store) Path() string { return s.path }

// Limit is the size limit in bytes.
func (s Store) Limit() int64 { return s.limit }

// RunID identifies a run.
type RunID struct {
	ID        string    `json:"id"`
	PID       int       `json:"pid"`
	Slot      string    `json:"slot"` // identifies the checkout; a file name
	Directory string    `json:"directory"`
	Project   string    `json:"project"`
	Worktree  string    `json:"worktree,omitempty"`
	Began     time.Time `json:"began"`
	Services  []string  `json:"services,omitempty"`
}

// End is how a run ended.
type End struct {
	At     time.Time `json:"ended,omitzero"`
	Status int       `json:"status,omitempty"` // its exit status
	Reason string    `json:"reason,omitempty"` // a clause, such as "web exited with status 3"
}

// Run is a run that was recorded, or is.
type Run struct {
	RunID
	End       // zero while it is running, and if it was killed
	Live bool // it is running

	path string
}

// recorded is the content of run.json.
type recorded struct {
	RunID
	End
}

const (
	aboutFile   = "run.json"
	lockFile    = "lock"
	headFile    = "head"
	clearedFile = "cleared"

	// keptRuns is the number of runs to keep of a checkout.
	keptRuns = 5

	// young is the age up to which a run without a lock may be starting.
	young = 10 * time.Second
)

// Begin starts to record a run. It calls failure, if that is not nil, at the first
// failure, from another goroutine; the recorder keeps trying.
func (s Store) Begin(about RunID, failure func(error)) *Recorder {
	r := &Recorder{
		store: s, about: about, failure: failure, pages: segmentPages, services: map[string]*service{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		syncs: make(chan chan struct{}), waitBudget: maxWait,
	}
	go func() {
		if err := r.create(); err != nil {
			r.mu.Lock()
			r.failed, r.retry = cause(err), time.Now().Add(retryDelay)
			r.mu.Unlock()
			r.report(err)
		}
		r.trimSoon()
		r.write()
	}()
	return r
}

// runNames is the layout of the names of runs' directories: they sort by time.
const runNames = "20060102T150405.000000Z"

// create creates the directory of the run, unless it exists.
func (r *Recorder) create() error {
	if r.path != "" {
		return nil
	}
	slot := filepath.Join(r.store.path, r.about.Slot)
	if err := os.MkdirAll(slot, 0o700); err != nil {
		return err
	}
	path := ""
	for at := r.about.Began.UTC(); ; at = at.Add(time.Microsecond) {
		path = filepath.Join(slot, at.Format(runNames))
		err := os.Mkdir(path, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	release, _, err := lockfile.TryAcquire(filepath.Join(path, lockFile), nil)
	if err == nil {
		r.head, err = os.OpenFile(filepath.Join(path, headFile), os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err == nil {
		_, err = r.head.Write(make([]byte, 8))
	}
	if err == nil {
		err = writeAbout(path, recorded{RunID: r.about})
	}
	if err != nil {
		if r.head != nil {
			r.head.Close()
			r.head = nil
		}
		if release != nil {
			_ = release()
		}
		_ = os.RemoveAll(path)
		return err
	}
	r.path, r.release = path, release
	return nil
}

func writeAbout(path string, about recorded) error {
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(path, aboutFile), text, atomicfile.Options{Mode: 0o600, Unlocked: true, Volatile: true})
}

// Runs returns the runs of a checkout, the latest first.
func (s Store) Runs(slot string) []Run {
	var runs []Run
	entries, _ := os.ReadDir(filepath.Join(s.path, slot)) // without the directory there are none
	for _, e := range slices.Backward(entries) {
		if run, ok := readRun(filepath.Join(s.path, slot, e.Name()), slot); ok {
			runs = append(runs, run)
		}
	}
	return runs
}

// All returns the runs of all checkouts, the latest first.
func (s Store) All() []Run {
	var runs []Run
	entries, _ := os.ReadDir(s.path)
	for _, e := range entries {
		runs = append(runs, s.Runs(e.Name())...)
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return cmp.Compare(filepath.Base(b.path), filepath.Base(a.path)) })
	return runs
}

// readRun reads the directory of a run. ok is false if it is something else.
func readRun(path, slot string) (r Run, ok bool) {
	began, err := time.Parse(runNames, filepath.Base(path))
	if err != nil {
		return r, false
	}
	r.path = path
	if r.read() && r.Killed() { // it may have started between the two reads
		r.read()
	}
	r.Slot, r.Began = slot, orTime(r.Began, began)
	return r, true
}

// read reads whether the run is alive, and then what is known about it. ok is
// false if nothing is.
func (r *Run) read() (ok bool) {
	r.Live = lockfile.Holder(filepath.Join(r.path, lockFile)) != nil
	var about recorded
	text, err := os.ReadFile(filepath.Join(r.path, aboutFile))
	if ok = err == nil && json.Unmarshal(text, &about) == nil; ok {
		r.RunID, r.End = about.RunID, about.End
	}
	return ok
}

func orTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// Name identifies the run in the store.
func (r Run) Name() string { return r.Slot + "/" + filepath.Base(r.path) }

// Killed reports whether the run ended without recording its end.
func (r Run) Killed() bool { return !r.Live && r.At.IsZero() }

// Last is the time of the last line; zero if there is none.
func (r Run) Last() time.Time {
	if head := r.readHead(); head > 0 {
		return time.Unix(0, head)
	}
	return time.Time{}
}

func (r Run) readHead() int64 {
	b, err := os.ReadFile(filepath.Join(r.path, headFile))
	if err != nil || len(b) < 8 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// Known returns the names of the services with output, and of those with which the
// run started.
func (r Run) Known() []string {
	names := slices.Clone(r.Services)
	for name := range segmentsOf(r.path) {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Remove removes the run. Of a live run, it removes the output so far.
func (r Run) Remove() error {
	if lockfile.Holder(filepath.Join(r.path, lockFile)) != nil {
		return r.clear()
	}
	err := os.RemoveAll(r.path)
	_ = os.Remove(filepath.Dir(r.path)) // if it was the last one
	return err
}

// clear hides the output so far from readers, and removes the full segments.
func (r Run) clear() error {
	path := filepath.Join(r.path, clearedFile)
	err := os.WriteFile(path, nil, 0o600)
	if err == nil {
		err = os.Chtimes(path, time.Time{}, time.Now())
	}
	for service, numbers := range segmentsOf(r.path) {
		for _, n := range numbers[:len(numbers)-1] {
			err = errors.Join(err, ignoreMissing(os.Remove(filepath.Join(r.path, segmentName(service, n)))))
		}
	}
	return err
}

// clearedAt is the time of the last clear, in ns; 0 for none.
func (r Run) clearedAt() int64 {
	info, err := os.Stat(filepath.Join(r.path, clearedFile))
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Check returns why no run can be recorded at the moment; nil if one can.
func (s Store) Check() error {
	dir, err := os.MkdirTemp(s.path, "check")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the first run creates it
	}
	if err != nil {
		return cause(err)
	}
	defer os.RemoveAll(dir)
	return cause(os.WriteFile(filepath.Join(dir, "check"), make([]byte, headerLen), 0o600))
}

// Size is the size of the run on disk, in bytes.
func (r Run) Size() (size int64) {
	entries, _ := os.ReadDir(r.path)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}

// segmentsOf returns the numbers of the segments of each service, sorted.
func segmentsOf(path string) map[string][]uint32 {
	segments := map[string][]uint32{}
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		if service, n, ok := parseSegmentName(e.Name()); ok {
			segments[service] = append(segments[service], n)
		}
	}
	for _, numbers := range segments {
		slices.Sort(numbers)
	}
	return segments
}

// trim removes what exceeds the limits.
func (s Store) trim() {
	runs := s.All()
	kept := map[string]int{}
	var total int64
	runs = slices.DeleteFunc(runs, func(r Run) bool {
		kept[r.Slot]++
		surplus := kept[r.Slot] > keptRuns && r.ended()
		if surplus {
			_ = r.Remove()
		} else {
			total += r.Size()
		}
		return surplus
	})
	for _, r := range slices.Backward(runs) {
		if total+segmentLen <= s.limit {
			return
		}
		if r.ended() {
			total -= r.Size()
			_ = r.Remove()
		}
	}
	for _, old := range fullSegments(runs) {
		if total+segmentLen <= s.limit {
			return
		}
		total -= old.size
		_ = os.Remove(old.path)
	}
}

// ended reports whether the run has ended.
func (r Run) ended() bool { return !r.Live && (!r.At.IsZero() || time.Since(r.Began) > young) }

// segmentFile is the file of a full segment.
type segmentFile struct {
	path string
	size int64
	at   time.Time // of the last write
}

// fullSegments returns the full segments of live runs, the oldest first.
func fullSegments(runs []Run) []segmentFile {
	var full []segmentFile
	for _, r := range runs {
		for service, numbers := range segmentsOf(r.path) {
			for _, n := range numbers[:len(numbers)-1] {
				path := filepath.Join(r.path, segmentName(service, n))
				if info, err := os.Stat(path); err == nil && r.Live {
					full = append(full, segmentFile{path, info.Size(), info.ModTime()})
				}
			}
		}
	}
	slices.SortFunc(full, func(a, b segmentFile) int { return a.at.Compare(b.at) })
	return full
}

// Off is the limit at which nothing is recorded.
const Off = 0

// DefaultLimit is the default of the limit.
const DefaultLimit = 2_000_000_000

// ParseLimit parses a limit such as "2GB", "500 MB" or "off"; "" is the default.
func ParseLimit(text string) (int64, error) {
	typed := text
	text = strings.ToUpper(strings.TrimSpace(text))
	switch text {
	case "":
		return DefaultLimit, nil
	case "OFF", "0", "NO", "FALSE":
		return Off, nil
	}
	number, unit := strings.TrimRight(text, "KMGTIB "), ""
	unit = strings.TrimSuffix(strings.TrimSpace(text[len(number):]), "B")
	scale, ok := map[string]float64{"": 1, "K": 1e3, "KI": 1 << 10, "M": 1e6, "MI": 1 << 20, "G": 1e9, "GI": 1 << 30, "T": 1e12, "TI": 1 << 40}[unit]
	var n float64
	if _, err := fmt.Sscanf(number+"\n", "%g\n", &n); err != nil || !ok || n <= 0 {
		return 0, fmt.Errorf("%q is neither a size, such as 2GB, nor off", typed)
	}
	return int64(n * scale), nil
}
