//go:build unix && !linux

package logstore

import "errors"

func mountSmall(string, int) error { return errors.ErrUnsupported }

func unmount(string) {}
