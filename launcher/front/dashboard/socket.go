package dashboard

import (
	"context"
	"encoding/json"
	"time"

	"github.com/coder/websocket"
)

// socket is the connection to a page. Any goroutine may send.
type socket struct {
	conn *websocket.Conn
	ctx  context.Context
	end  func()
}

// send sends a message. If the page does not receive it, the connection ends.
func (s socket) send(message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return s.write(text)
}

func (s socket) write(text []byte) error {
	ctx, cancel := context.WithTimeout(s.ctx, sendTime)
	defer cancel()
	err := s.conn.Write(ctx, websocket.MessageText, text)
	if err != nil {
		s.end()
	}
	return err
}

// ping notices that a page is gone without closing the connection, or is no longer
// signed in.
func (s socket) ping(signedIn func() bool) {
	for {
		select {
		case <-time.After(pingInterval):
		case <-s.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, sendTime)
		err := s.conn.Ping(ctx)
		cancel()
		if err != nil || !signedIn() {
			s.end()
			return
		}
	}
}
