// Package wording formats values for messages: lists, counts and shortened
// text.
package wording

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry"
)

// List joins words as in a sentence: "a, b and c". An empty list is "nothing".
func List(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return text.Join(words, "and")
}

// Numbers is [List] of numbers.
func Numbers(numbers []int) string {
	var words []string
	for _, n := range numbers {
		words = append(words, fmt.Sprint(n))
	}
	return List(words)
}

// Count formats a number of things: "no ports", "1 port" or "3 ports".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	plural := noun + "s"
	if stem, ok := strings.CutSuffix(noun, "ory"); ok { // directory
		plural = stem + "ories"
	}
	if n == 0 {
		return "no " + plural
	}
	return fmt.Sprintf("%d %s", n, plural)
}

// Kill returns the command that ends a process.
func Kill(pid int) string {
	if runtime.GOOS == "windows" {
		return fmt.Sprintf("taskkill /T /F /PID %d", pid) // without /F, a program without a window ignores it
	}
	return fmt.Sprintf("kill %d", pid)
}

// Interrupt returns the command that ends a run in an orderly way, or on
// Windows the nearest to it.
func Interrupt(pid int) string {
	if runtime.GOOS == "windows" {
		return Kill(pid)
	}
	return fmt.Sprintf("kill -INT %d", pid)
}

// Down returns the command that stops the run of a scope, to be typed in any
// directory. shared reports whether it is the run of the services that the
// checkouts of a project share.
func Down(scope registry.Scope, shared bool, options ...string) string {
	place := []string{"--dir", text.QuoteArg(scope.Directory)}
	if shared {
		place = []string{"--checkout", text.QuoteArg(scope.Project + "/" + scope.Worktree)}
	}
	return strings.Join(slices.Concat([]string{"devports", "down"}, options, place), " ")
}

// Inspect returns the command that shows a process.
func Inspect(pid int) string {
	if runtime.GOOS == "windows" {
		return fmt.Sprintf(`tasklist /V /FI "PID eq %d"`, pid)
	}
	return fmt.Sprintf("ps -fp %d", pid)
}

// WhoOpened returns the command that finds the process that has opened a file.
func WhoOpened(file string) string {
	if runtime.GOOS == "windows" {
		return "search for " + filepath.Base(file) + " in the Associated Handles of resmon"
	}
	return "lsof " + text.QuoteSh(file)
}

// Few is [Count] of less than is wanted: "no ports" or "only 3 ports".
func Few(n int, noun string) string {
	if n == 0 {
		return Count(n, noun)
	}
	return "only " + Count(n, noun)
}

// Shorten cuts s to width characters, and ends it with "…" if it was longer.
func Shorten(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// Bytes formats an amount of memory or disk: "30.0 MB".
func Bytes(n int64) string {
	switch {
	case n < 1000:
		return Count(int(n), "byte")
	case n < 1e6:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// Shortage says that only a few ports are left to choose from, and why. named is
// the explicit range, if that is the cause.
func Shortage(left int, cause allocator.Cause, named string, local allocator.Local) string {
	switch cause {
	case allocator.ReservedPorts:
		return "the reserved ports of this machine (net.ipv4.ip_local_reserved_ports) leave " + Few(left, "port") + " to choose from"
	case allocator.EphemeralPorts:
		return fmt.Sprintf("the ephemeral range %s leaves %s to choose from", local.Ephemeral, Few(left, "port"))
	default:
		return Few(left, "unassigned port") + " in " + named
	}
}
