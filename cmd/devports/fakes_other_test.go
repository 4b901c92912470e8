//go:build !linux

package main

import "errors"

func withoutInotify() { fatal(errors.ErrUnsupported) }
