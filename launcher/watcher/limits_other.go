//go:build !linux

package watcher

// limit is empty: only Linux has such limits.
type limit struct{}

var directories, watchers limit

func settingOf(limit) string { return "" }

func limits(int) (directories, watchers Usage) { return Usage{}, Usage{} }
