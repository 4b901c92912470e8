package portserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	minBackoff = 5 * time.Millisecond
	maxBackoff = time.Second
)

// Serve answers the connections to l until ctx is done; then it returns nil. It
// closes l, and waits for the active requests, which takes at most two seconds.
// A shortage of descriptors or memory does not end it. The error is that of l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	var requests sync.WaitGroup
	defer requests.Wait()
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		conn, err := s.accept(ctx, l)
		if err != nil {
			<-s.slots
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		requests.Go(func() {
			defer func() { <-s.slots }()
			s.answer(conn)
		})
	}
}

// accept retries after temporary errors, with a backoff.
func (s *Server) accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		conn, err := l.Accept()
		if err == nil || !temporary(err) {
			return conn, err
		}
		s.logEvent(Event{Err: err})
		timer := time.NewTimer(backoff)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// temporary reports whether a later accept is likely to succeed.
func temporary(err error) bool {
	for _, errno := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// answer serves one connection and closes it.
func (s *Server) answer(conn net.Conn) {
	start := time.Now()
	e := s.exchange(conn, start.Add(s.timeout))
	e.Took = max(time.Since(start), 1)
	s.logEvent(e)
}

func (s *Server) exchange(conn net.Conn, deadline time.Time) Event {
	defer conn.Close()
	_ = conn.SetReadDeadline(deadline) // fails only if the read does
	var buf [readSize]byte
	n, err := conn.Read(buf[:])
	pid, ok := parsePID(buf[:n])
	if !ok {
		s.count(func(c *Statistics) { c.Errors++ })
		drain(conn, n)
		if n > 0 {
			err = fmt.Errorf("%.40q is not a pid", buf[:n])
		}
		return Event{Err: err}
	}
	port, err := s.decide(pid)
	if port != 0 {
		// The few bytes fit into the socket's buffer, so this never blocks.
		_, writeErr := conn.Write(append(strconv.AppendInt(buf[:0], int64(port), 10), '\n'))
		err = errors.Join(err, writeErr)
	}
	return Event{PID: pid, Port: port, Err: err}
}

// drain reads the rest of a long request, so that the client gets an end of
// file and not an error: Linux resets a connection that is closed with unread
// data.
func drain(conn net.Conn, n int) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && n == readSize && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, conn) // at most until the deadline
	}
}

func (s *Server) logEvent(e Event) {
	if s.log != nil {
		s.log(e)
	}
}
