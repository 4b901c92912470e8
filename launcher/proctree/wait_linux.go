package proctree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// wait returns when all of ps have ended or limit is over, or with ctx's error.
func wait(ctx context.Context, ps []Process, limit time.Duration) error {
	w, err := newWaiter(ctx, ps)
	if err != nil { // no pidfds, or too many
		return waitPolling(ctx, ps, limit)
	}
	defer w.close()
	return w.wait(ctx, time.Now().Add(limit))
}

// waiter waits for the pidfds of processes. The first of fds becomes readable when
// the context is done.
type waiter struct {
	fds  []unix.PollFd
	stop func()
}

func newWaiter(ctx context.Context, ps []Process) (*waiter, error) {
	done, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	w := &waiter{fds: []unix.PollFd{{Fd: int32(done), Events: unix.POLLIN}}}
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_, _ = unix.Write(done, []byte{1, 1, 1, 1, 1, 1, 1, 1})
	})
	w.stop = func() {
		if !stop() {
			<-woken // before close: the descriptor may be reused
		}
	}
	for _, p := range ps {
		fd, err := p.Open()
		switch {
		case err == nil:
			w.fds = append(w.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		case !errors.Is(err, os.ErrProcessDone):
			w.close()
			return nil, fmt.Errorf("process %d: %w", p.PID, err)
		}
	}
	return w, nil
}

func (w *waiter) close() {
	w.stop()
	for _, fd := range w.fds {
		unix.Close(int(fd.Fd))
	}
}

func (w *waiter) wait(ctx context.Context, deadline time.Time) error {
	for left := time.Until(deadline); len(w.fds) > 1 && left > 0; left = time.Until(deadline) {
		timeout := unix.NsecToTimespec(left.Nanoseconds())
		if _, err := unix.Ppoll(w.fds, &timeout, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if ctx.Err() != nil {
			break
		}
		w.dropEnded()
	}
	return ctx.Err()
}

// dropEnded removes the processes that have ended from fds.
func (w *waiter) dropEnded() {
	waiting := w.fds[:1]
	for _, fd := range w.fds[1:] {
		if fd.Revents == 0 {
			waiting = append(waiting, fd)
		} else {
			unix.Close(int(fd.Fd))
		}
	}
	w.fds = waiting
}
