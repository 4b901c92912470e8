//go:build !linux

package watcher

// limit is empty: only Linux has such limits.
type limit struct{}

var folders, watchers limit

func settingOf(limit) string { return "" }

func limits(int) (folders, watchers Usage) { return Usage{}, Usage{} }
