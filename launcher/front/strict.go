package front

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// strictConn refuses requests whose end is ambiguous, before net/http reads
// them. net/http repairs most of them silently: Content-Length beside chunked,
// two equal Content-Lengths, continuation lines, and lines that end without a
// carriage return. Two programs that repair them differently can be made to see
// different requests (RFC 9112, 11.2).
type strictConn struct {
	net.Conn
	scanner requestScanner
	raw     atomic.Bool  // what follows is not HTTP: a WebSocket
	silent  *silentConns // nil: something was received; only Read uses it
}

const refusal = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

func (c *strictConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.silent != nil {
		c.silent.remove(c)
		c.silent = nil
	}
	if n > 0 && !c.raw.Load() {
		if fault := c.scanner.scan(p[:n]); fault != nil {
			_, _ = c.Conn.Write([]byte(refusal + "devports: " + fault.Error() + "\n"))
			return 0, &net.OpError{Op: "read", Err: fault} // which net/http does not respond to
		}
	}
	return n, err
}

// CloseWrite shuts down the writing side, as net/http and ReverseProxy do where a
// connection can.
func (c *strictConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// strictListener accepts strictConns.
type strictListener struct {
	net.Listener
	silent *silentConns
}

func (l strictListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &strictConn{Conn: conn, silent: l.silent}
	l.silent.add(c)
	return c, nil
}

// silentConns are the connections on which nothing was received yet.
type silentConns struct {
	mu   sync.Mutex // guards open
	open map[*strictConn]bool
}

func (s *silentConns) add(c *strictConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = true
}

func (s *silentConns) remove(c *strictConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// close closes them.
func (s *silentConns) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.Conn.Close()
	}
}

// requestScanner follows the requests of a connection.
type requestScanner struct {
	state   scanState
	line    []byte // the line so far, in states that read lines
	lines   int    // of the head
	left    int64  // of a body or a chunk
	length  string // Content-Length
	chunked bool
	coded   bool // it has a Transfer-Encoding
	upgrade bool
	old     bool // before HTTP/1.1
}

type scanState int

const (
	scanHead scanState = iota
	scanBody
	scanSize    // the line before a chunk
	scanChunk   // a chunk and its line end
	scanTrailer // lines after the last chunk
	scanRest    // the client has asked for another protocol
)

var (
	errBareLF     = errors.New("a line of the request ends without a carriage return")
	errFold       = errors.New("a header of the request continues on a second line")
	errTwoLengths = errors.New("the request has more than one Content-Length")
	errBothEnds   = errors.New("the request has both Content-Length and Transfer-Encoding")
	errCoding     = errors.New("the request has an unknown Transfer-Encoding")
	errLength     = errors.New("the request has an invalid Content-Length")
	errChunk      = errors.New("the request has an invalid chunk")
	errHeader     = errors.New("the request has an invalid header")
	errLong       = errors.New("a line of the request is too long")
)

// maxLine is more than net/http accepts.
const maxLine = 2 << 20

func (s *requestScanner) scan(p []byte) error {
	for len(p) > 0 {
		switch s.state {
		case scanRest:
			return nil
		case scanBody, scanChunk:
			n := min(int64(len(p)), s.left)
			s.left -= n
			p = p[n:]
			if s.left == 0 {
				if s.state == scanBody {
					s.next()
				} else {
					s.state = scanSize
				}
			}
			continue
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.line = append(s.line, p...)
			if len(s.line) > maxLine {
				return errLong
			}
			return nil
		}
		line := p[:i]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line = s.line
		}
		p = p[i+1:]
		if len(line) == 0 || line[len(line)-1] != '\r' {
			return errBareLF
		}
		err := s.endOfLine(line[:len(line)-1])
		s.line = s.line[:0]
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *requestScanner) next() { *s = requestScanner{line: s.line[:0]} }

func (s *requestScanner) endOfLine(line []byte) error {
	switch s.state {
	case scanHead:
		if len(line) == 0 && s.lines > 0 {
			return s.endOfHead()
		}
		s.lines++
		if s.lines == 1 {
			s.old = bytes.HasSuffix(line, []byte(" HTTP/1.0"))
			if len(line) == 0 {
				s.lines = 0 // net/http decides
			}
			return nil
		}
		return s.header(line)
	case scanSize:
		text, _, _ := strings.Cut(string(line), ";")
		size, err := strconv.ParseUint(strings.TrimRight(text, " \t"), 16, 62)
		switch {
		case err != nil:
			return errChunk
		case size == 0:
			s.state = scanTrailer
		default:
			s.state, s.left = scanChunk, int64(size)+2
		}
	case scanTrailer:
		if len(line) == 0 {
			s.next()
		} else if line[0] == ' ' || line[0] == '\t' {
			return errFold
		}
	}
	return nil
}

func (s *requestScanner) header(line []byte) error {
	if line[0] == ' ' || line[0] == '\t' {
		return errFold
	}
	if bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0 {
		return errHeader
	}
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return errHeader
	}
	if line[colon-min(colon, 1)] == ' ' || line[colon-min(colon, 1)] == '\t' {
		return errHeader // a space before the colon
	}
	is := func(name string) bool { return colon == len(name) && strings.EqualFold(string(line[:colon]), name) }
	value := func() string { return strings.Trim(string(line[colon+1:]), " \t") }
	switch {
	case is("Content-Length"):
		if s.length != "" {
			return errTwoLengths
		}
		s.length = value()
		if _, err := strconv.ParseUint(s.length, 10, 62); err != nil {
			return errLength
		}
	case is("Transfer-Encoding"):
		if s.coded || !strings.EqualFold(value(), "chunked") {
			return errCoding
		}
		s.coded, s.chunked = true, true
	case is("Upgrade"):
		s.upgrade = true
	}
	return nil
}

func (s *requestScanner) endOfHead() error {
	switch {
	case s.coded && s.length != "":
		return errBothEnds
	case s.coded && s.old:
		return errCoding
	case s.upgrade:
		s.state = scanRest // the proxy closes the connection if the service declines
	case s.chunked:
		s.state = scanSize
	default:
		length, _ := strconv.ParseInt("0"+s.length, 10, 64)
		if length == 0 {
			s.next()
			return nil
		}
		s.state, s.left = scanBody, length
	}
	return nil
}
