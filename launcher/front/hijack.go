package front

import (
	"bufio"
	"net"
	"net/http"
)

// hijackable makes the connection of a WebSocket raw when the proxy takes it.
type hijackable struct{ http.ResponseWriter }

// Unwrap returns the writer for its other abilities, such as Flush.
func (h hijackable) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// Hijack takes the connection.
func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.Header().Del("Connection") // the proxy adds that of the service
	if strict, ok := conn.(*strictConn); ok {
		strict.raw.Store(true)
	}
	return conn, buffer, err
}

// forwarded writes the response of a service to a client.
type forwarded struct {
	hijackable
	upgrade bool // the client has asked for another protocol
}

// WriteHeader writes the header. ReverseProxy has cleared it after each
// informational one.
func (f forwarded) WriteHeader(status int) {
	if h := f.Header(); status >= http.StatusOK {
		if h["Content-Type"] == nil {
			h["Content-Type"] = nil // net/http does not add one
		}
		if f.upgrade {
			h.Set("Connection", "close") // see requestScanner
		}
	}
	f.hijackable.WriteHeader(status)
}
