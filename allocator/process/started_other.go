//go:build !linux

package process

import "time"

// Started returns when the process started.
func (id ID) Started() time.Time { return time.Unix(0, id.Start) }
