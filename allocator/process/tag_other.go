//go:build !linux

package process

import (
	"errors"
	"fmt"
)

// Attach is for Linux alone: elsewhere no attribute of a process is both passed
// on to its children and free to be used.
func (t Tag) Attach(int) error {
	return fmt.Errorf("tags of processes: %w", errors.ErrUnsupported)
}

// TagOf is always 0.
func TagOf(int) (Tag, error) { return 0, nil }
