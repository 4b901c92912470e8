package control

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/envvar"
)

// Program is the program of a background run: it must claim the slot.
type Program struct {
	Path  string
	Args  []string // including the program's name
	Env   []string
	Dir   string // its working directory; "": that of this process
	Input []byte // its whole standard input
	// Tied: its standard input stays open until this process ends, or
	// [Background.Release] closes it.
	Tied bool
}

// Background is a background run that this process has started.
type Background struct {
	PID int

	stdin   *os.File // writes to its standard input; nil unless Tied
	slot    Slot
	printed int           // how much of its log Output has returned
	ended   chan struct{} // closed when state is set
	state   *os.ProcessState
}

// Spawn starts a program in a session of its own, which survives the end of
// this terminal. Its output goes to the log of the slot.
func (s Slot) Spawn(p Program) (*Background, error) {
	if err := os.MkdirAll(filepath.Dir(s.Log()), 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(s.Log(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if !p.Tied {
		defer write.Close()
	}
	process, err := startOutside(p.Path, p.Args, &os.ProcAttr{
		Dir: p.Dir, Env: withoutMarks(p.Env), Files: []*os.File{read, log, log}, Sys: ownSession(),
	})
	read.Close()
	if err != nil {
		write.Close()
		return nil, err
	}
	b := &Background{PID: process.Pid, slot: s, ended: make(chan struct{})}
	go func() { // runs as long as the background run, or this process
		b.state, _ = process.Wait()
		close(b.ended)
	}()
	_, _ = write.Write(p.Input) // if the run does not read it, it ends and reports why
	if p.Tied {
		b.stdin = write
	}
	return b, nil
}

// Release closes the standard input of a tied run.
func (b *Background) Release() {
	if b.stdin != nil {
		b.stdin.Close()
	}
}

// withoutMarks returns an environment without the marks of a service: the run
// does not belong to the run whose service may have started it. The labels
// DEVPORTS_PROJECT and DEVPORTS_WORKTREE stay: they show that the user did not
// set PORT.
func withoutMarks(env []string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == envvar.Instance || name == envvar.Service || name == envvar.Outside
	})
	return append(env, envvar.Outside+"=1")
}

// Errors of AwaitClaim.
var (
	errEnded = errors.New("the background run has ended")
	// ErrSlotTaken reports that another process holds the slot.
	ErrSlotTaken = errors.New("another run started first")
)

// AwaitClaim waits until the run holds its slot and can be controlled. The
// error is ErrSlotTaken if the run has ended while another process held the
// slot.
func (b *Background) AwaitClaim(ctx context.Context) (Client, error) {
	for others := false; ; {
		i := b.slot.Instance()
		if i.Controllable() && i.Note.PID == b.PID {
			return i.Client(), nil
		}
		others = others || i.heldByOther(b.PID)
		select {
		case <-time.After(claimPoll):
		case <-b.ended:
			if others || b.slot.Instance().heldByOther(b.PID) {
				return Client{}, ErrSlotTaken
			}
			return Client{}, errEnded
		case <-ctx.Done():
			return Client{}, ctx.Err()
		}
	}
}

func (i Instance) heldByOther(pid int) bool {
	return i.Holder != nil && i.Holder.PID != 0 && i.Holder.PID != pid
}

const claimPoll = 5 * time.Millisecond

// AwaitEnd waits for the end of the run, at most limit or until ctx is done. ok is
// false if it is still running. The status is -1 if a signal ended it.
func (b *Background) AwaitEnd(ctx context.Context, limit time.Duration) (status int, ok bool) {
	select {
	case <-b.ended:
		limit = time.Hour // even if it was 0 or less
		ctx = context.Background()
	default:
	}
	select {
	case <-b.ended:
		return b.state.ExitCode(), true // -1 for a nil state
	case <-time.After(limit):
	case <-ctx.Done():
	}
	return 0, false
}

// CheckLog returns why the run cannot write to its log, such as a full disk;
// nil if it can.
func (b *Background) CheckLog() error {
	f, err := os.CreateTemp(filepath.Dir(b.slot.Log()), "probe")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, probeBytes))
	err = errors.Join(err, f.Close())
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		path.Path = b.slot.Log()
		return path
	}
	return err
}

// probeBytes is more than a block of any common file system.
const probeBytes = 64 << 10

// Output returns what the run has printed to the log of its slot since the last
// call.
func (b *Background) Output() string {
	text, _ := os.ReadFile(b.slot.Log()) // as much as is readable
	text = text[min(b.printed, len(text)):]
	b.printed += len(text)
	return string(text)
}

// StartDetached starts a program in a session of its own, which outlives this
// process. It has no standard streams, and is not part of the run whose service
// may have started this process.
func StartDetached(argv ...string) error {
	process, err := startOutside(argv[0], argv, &os.ProcAttr{Env: withoutMarks(os.Environ()), Sys: ownSession()})
	if err != nil {
		return err
	}
	return process.Release()
}
