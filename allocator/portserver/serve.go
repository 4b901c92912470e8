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
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// Serve answers those who connect to l, until ctx is done; the result is then
// nil. It closes l, and waits for the requests under way, which takes at most two
// seconds. That descriptors or memory are short does not end it. An error says
// what is wrong with l.
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

// accept waits out a shortage with growing pauses.
func (s *Server) accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		conn, err := l.Accept()
		if err == nil || !passing(err) {
			return conn, err
		}
		s.tell(Event{Err: err})
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// passing reports whether the next accept may well succeed.
func passing(err error) bool {
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
	began := time.Now()
	e := s.exchange(conn, began.Add(s.patience))
	e.Took = max(time.Since(began), 1)
	s.tell(e)
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
		// So few bytes fit into the socket's buffer, so that this never waits.
		_, gone := conn.Write(append(strconv.AppendInt(buf[:0], int64(port), 10), '\n'))
		err = errors.Join(err, gone)
	}
	return Event{PID: pid, Port: port, Err: err}
}

// drain has a client that wrote more than was read see the end of the connection,
// as any other client, rather than an error: Linux resets a connection that is
// closed with something left to read.
func drain(conn net.Conn, n int) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && n == readSize && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, conn) // until the deadline at most
	}
}

func (s *Server) tell(e Event) {
	if s.log != nil {
		s.log(e)
	}
}
