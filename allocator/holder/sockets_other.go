//go:build !linux

package holder

import (
	"errors"
	"net/netip"
)

func listeningSockets(int) ([]Socket, error) { return nil, errors.ErrUnsupported }

func allListeningPorts() (map[int]bool, error) { return nil, errors.ErrUnsupported }

func ownSockets(_ []int, sockets []Socket) []bool { return make([]bool, len(sockets)) }

func userOf(_, _ netip.AddrPort) string { return "" }
