package probe

import (
	"context"
	"errors"
	"time"
)

// Accepts succeeds when a server on port of 127.0.0.1 or ::1 accepts a connection.
// Unlike [TCP], it fails for a server that is stopped or too busy to accept, on
// systems that show that.
func Accepts(port int) Try {
	return func(ctx context.Context) error {
		conn, err := dial(ctx, port)
		if err != nil {
			return err
		}
		defer conn.Close()
		for pause := time.Millisecond; !accepted(conn); pause = min(2*pause, MinPause) {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return errors.New("it does not accept connections")
			}
		}
		return nil
	}
}
