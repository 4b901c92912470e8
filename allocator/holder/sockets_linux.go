package holder

import (
	"net/netip"
	"slices"
)

func listeningSockets(port int) ([]Socket, error) {
	all, err := dump(listenStates, port)
	if err != nil {
		return nil, err
	}
	var sockets []Socket
	for _, e := range all {
		if e.state == listen && int(e.local.Port()) == port {
			sockets = append(sockets, Socket{e.local.Addr(), e.cookie, e.inode, e.uid, e.v6only})
		}
	}
	return sockets, nil
}

func allListeningPorts() (map[int]bool, error) {
	all, err := dump(listenStates, 0)
	if err != nil {
		return nil, err
	}
	ports := make(map[int]bool, len(all))
	for _, e := range all {
		ports[int(e.local.Port())] = true
	}
	return ports, nil
}

func ownSockets(pids []int, sockets []Socket) []bool {
	owned := make([]bool, len(sockets))
	for _, pid := range pids {
		if !slices.Contains(owned, false) {
			break
		}
		inodes := socketInodes(pid)
		for i, s := range sockets {
			owned[i] = owned[i] || s.Inode != "0" && slices.Contains(inodes, s.Inode)
		}
	}
	return owned
}

func userOf(local, remote netip.AddrPort) string {
	const open uint32 = 1<<1 | 1<<4 | 1<<5 // established, fin_wait1, fin_wait2
	all, err := dump(open, int(local.Port()))
	if err != nil {
		return ""
	}
	for _, e := range all {
		if e.local == local && e.remote == remote && e.inode != "0" {
			return e.uid
		}
	}
	return ""
}
