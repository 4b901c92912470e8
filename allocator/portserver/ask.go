package portserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/devports/devports/allocator"
)

// ErrDenied reports that a server closed the connection without an answer: it
// has no port left, or does not accept the pid.
var ErrDenied = errors.New("the port server denied the request")

// maxReply is larger than a port and its newline.
const maxReply = 32

// Ask requests a port for the process pid from the server at address. The error
// wraps ErrDenied if the server denies the request, and a *net.OpError if it
// cannot be reached. Ask waits until ctx ends.
func Ask(ctx context.Context, address string, pid int) (int, error) {
	port, err := ask(ctx, address, pid)
	deadline, limited := ctx.Deadline()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited && !time.Now().Before(deadline): // the dialer has noticed first
		err = context.DeadlineExceeded
	}
	if err != nil {
		return 0, fmt.Errorf("port server %s: %w", address, err)
	}
	return port, nil
}

func ask(ctx context.Context, address string, pid int) (int, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := conn.Write([]byte(strconv.Itoa(pid) + "\n")); err != nil {
		return 0, err
	}
	reply, err := bufio.NewReaderSize(io.LimitReader(conn, maxReply), maxReply).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if reply == "" {
		return 0, ErrDenied
	}
	return allocator.ParsePort(strings.TrimSpace(reply))
}
