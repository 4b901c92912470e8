package main

import (
	"os"
	"sync"

	"github.com/devports/devports/registry"
)

// leasedPorts reports which ports the registry has leased now. It reads the
// registry again only after a change: each update replaces the file.
type leasedPorts struct {
	registry registry.Registry
	failed   func(error) // called if the registry becomes unreadable; the last leases then count

	mu    sync.Mutex // guards the fields below
	seen  os.FileInfo
	ports map[int]bool
}

// read reads the registry.
func (l *leasedPorts) read() error {
	info, err := os.Stat(l.registry.Path())
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	leases, err := l.registry.Leases()
	if err != nil {
		return err
	}
	l.seen, l.ports = info, map[int]bool{}
	for _, lease := range leases {
		l.ports[lease.Port] = true
	}
	return nil
}

func (l *leasedPorts) contains(port int) bool {
	info, err := os.Stat(l.registry.Path())
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && !l.unchanged(info) {
		if err := l.read(); err != nil {
			l.seen = info // report it once
			l.failed(err)
		}
	}
	return l.ports[port]
}

func (l *leasedPorts) unchanged(info os.FileInfo) bool {
	return l.seen != nil && os.SameFile(l.seen, info) && l.seen.ModTime().Equal(info.ModTime()) && l.seen.Size() == info.Size()
}
