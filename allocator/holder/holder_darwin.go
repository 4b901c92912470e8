package holder

import (
	"context"
	"slices"
	"time"
)

// lsofTimeout bounds a call of lsof. It takes longer on a machine with many
// processes, and can wait for a network file system.
const lsofTimeout = 20 * time.Second

var allListeners = coalescer{ask: func(ctx context.Context) ([]socket, error) {
	ctx, cancel := context.WithTimeout(ctx, lsofTimeout)
	defer cancel()
	return lsof(ctx, lsofListening())
}}

// listeners returns the listening TCP sockets on the wanted ports, or on all if
// there are none. It ignores the pids: concurrent calls share one list.
func listeners(ctx context.Context, wanted, _ []int) ([]socket, error) {
	all, err := allListeners.sockets(ctx)
	if err != nil {
		return nil, err
	}
	var found []socket
	for _, s := range all {
		if len(wanted) == 0 || slices.Contains(wanted, s.port) {
			found = append(found, s)
		}
	}
	return found, nil
}

// others returns the TCP sockets on the wanted ports that do not listen.
func others(ctx context.Context, wanted []int) ([]socket, error) {
	all, err := lsof(ctx, lsofPorts(wanted))
	return slices.DeleteFunc(all, func(s socket) bool { return s.state == "listen" || !slices.Contains(wanted, s.port) }), err
}
