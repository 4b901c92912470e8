//go:build !linux

package process

import "time"

// Started returns the start time.
func (id ID) Started() time.Time { return time.Unix(0, id.Start) }
