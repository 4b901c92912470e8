//go:build !linux

package watcher

// limit stands for those that only Linux has.
type limit struct{}

var folders, watchers limit

func settingOf(limit) string { return "" }

func limits(int) (folders, watchers Usage) { return Usage{}, Usage{} }
