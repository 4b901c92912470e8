package probe

import (
	"context"
	"errors"
	"os"
	"time"
)

// proxyDelay is how long the proxy of a container engine may take to close a
// connection that it accepted, because nothing in the container listens yet.
const proxyDelay = 500 * time.Millisecond

// Proxied is [TCP] for a port that a container engine publishes: its proxy
// accepts connections as soon as the container has started.
func Proxied(port int) Try {
	return func(ctx context.Context) error {
		conn, err := dial(ctx, port)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(proxyDelay))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		return errors.New("its container does not listen on its port yet")
	}
}
