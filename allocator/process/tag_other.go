//go:build !linux

package process

import (
	"errors"
	"fmt"
)

// Attach is supported only on Linux: other systems have no unused attribute
// that child processes inherit.
func (t Tag) Attach(int) error {
	return fmt.Errorf("tags of processes: %w", errors.ErrUnsupported)
}

// TagOf always returns 0.
func TagOf(int) (Tag, error) { return 0, nil }
