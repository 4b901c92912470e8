package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// failed reports whether a service, or its build, needs the user's attention.
func failed(st launcher.Status) bool {
	return st.State == launcher.StateFailed || st.Build == launcher.BuildFailure
}

// order returns the indexes of the services in the order of their rows: that of
// the file, but failed services first.
func (m model) order() []int {
	order := make([]int, 0, len(m.services))
	for _, first := range []bool{true, false} {
		for i, st := range m.services {
			if failed(st) == first {
				order = append(order, i)
			}
		}
	}
	return order
}

// visible returns the services that have a row, in at most that many rows, and
// those that have none. The picked service has one. Failed services come before
// others, and may take up to limit rows.
func (m model) visible(rows, limit int) (shown, hidden []int) {
	order := m.order()
	if len(order) <= rows {
		return order, nil
	}
	bad := 0
	for bad < len(order) && failed(m.services[order[bad]]) {
		bad++
	}
	picked := slices.IndexFunc(order, func(i int) bool { return m.services[i].Service == m.picked })
	needed := bad + 1 // the last row counts the hidden services
	if picked >= bad {
		needed++
	}
	room := max(rows, min(needed, limit)) - 1
	if len(order) <= room+1 {
		return order, nil
	}
	room = max(room, 1)
	pinned := min(bad, room-1) // the rest scrolls to the picked service
	start := max(pinned, picked-(room-pinned)+1)
	shown = append(slices.Clone(order[:pinned]), order[start:start+room-pinned]...)
	hidden = append(slices.Clone(order[pinned:start]), order[start+room-pinned:]...)
	return shown, hidden
}

// serviceRows renders the services. The last row counts, and if possible names,
// those that have no row.
func (m model) serviceRows(size terminal.Size, now time.Time, p palette.Palette) (rows []screen.Row) {
	shown, hidden := m.visible(max(size.Rows/3-1, 1), size.Rows/2-1)
	list := make([]launcher.Status, len(shown))
	for i, index := range shown {
		list[i] = m.services[index]
	}
	c := columnsOf(list, size.Columns-1, now)
	for i, st := range list {
		rows = append(rows, m.serviceRow(shown[i]+1, st, c, now, p))
	}
	if len(hidden) == 0 {
		return rows
	}
	last := screen.Row{span(fmt.Sprintf("     +%d more", len(hidden)), p.Quiet)}
	var bad []string
	for _, i := range hidden {
		if failed(m.services[i]) {
			bad = append(bad, m.services[i].Service)
		}
	}
	if len(bad) > 0 {
		last = append(last, span(fmt.Sprintf(", %d failed: %s", len(bad), strings.Join(bad, ", ")), p.Bad))
	}
	return append(rows, last)
}

// columns are the widths of the columns; 0 for one that does not fit.
type columns struct {
	name, state, address, took, age int

	shortState bool // without the state of the build
	roomy      bool // the times fit beside details
	width      int
}

const (
	gap         = 2  // between columns
	lead        = 5  // the pointer, the number and the symbol
	detailWidth = 24 // the part of a detail that is worth more than the times
	shortest    = 6  // of addresses: ":16504"
)

// columnsOf distributes a width to the columns of services. Names get a quarter
// of it at most. Addresses that leave no room for the details are shortened.
func columnsOf(list []launcher.Status, width int, now time.Time) (c columns) {
	c.width, c.shortState = width, width < 60
	detail := 0
	for _, st := range list {
		c.name = max(c.name, screen.Width(st.Service))
		c.state = max(c.state, len(c.stateOf(st)))
		c.took, c.age = max(c.took, screen.Width(took(st))), max(c.age, screen.Width(age(st, now)))
		detail = max(detail, min(screen.Width(detailOf(st, now)), detailWidth))
	}
	c.name = min(c.name, max((width+1)/4, 4))
	c.state = max(c.state, len(launcher.StateStarting))
	left := width - lead - c.name
	if left < gap+c.state+gap+shortest {
		c.state = 0
	}
	left -= gapped(c.state)
	room := max(left-gap-gapped(detail), shortest)
	for _, st := range list {
		c.address = max(c.address, screen.Width(shortened(st, room)))
	}
	if c.address+gap > left {
		c.address = 0
	}
	left -= gapped(c.address)
	c.roomy = left >= gapped(c.took)+gapped(c.age)+gapped(detail)
	if left < gapped(c.took)+gapped(c.age) {
		c.took = 0
	}
	if left < gapped(c.age) {
		c.age = 0
	}
	return c
}

// gapped is the width of a column with the gap before it.
func gapped(width int) int {
	if width == 0 {
		return 0
	}
	return gap + width
}

func (c columns) stateOf(st launcher.Status) string {
	if c.shortState {
		return string(st.State)
	}
	return st.Label()
}

// serviceRow renders a service: number, state, name, address, time to ready, age,
// restarts and detail. On a narrow screen the detail replaces empty columns and
// the times.
func (m model) serviceRow(n int, st launcher.Status, c columns, now time.Time, p palette.Palette) screen.Row {
	number, style, pointer := " ", "", " "
	if n <= 9 {
		number = fmt.Sprint(n)
	}
	if st.Service == m.picked {
		pointer, style = "▸", palette.Bold
	}
	row := screen.Row{
		span(pointer+number+" ", p.Quiet),
		span(shapes[st.State]+" ", styleOf(st, p)),
		span(screen.Pad(screen.Middle(st.Service, c.name), c.name), style),
	}
	add := func(text string, width int, style string) {
		if width > 0 {
			row = append(row, span(strings.Repeat(" ", gap)+screen.Pad(text, width), style))
		}
	}
	add(c.stateOf(st), c.state, styleOf(st, p))
	detail := detailOf(st, now)
	roomy := c.roomy || detail == ""
	if roomy || st.Port > 0 {
		add(shortened(st, c.address), c.address, "")
	}
	if roomy {
		add(screen.PadLeft(took(st), c.took), c.took, p.Quiet)
		add(screen.PadLeft(age(st, now), c.age), c.age, p.Quiet)
	}
	if st.Restarts > 0 {
		text := fmt.Sprintf("↻%d", st.Restarts)
		add(text, screen.Width(text), p.Busy)
	}
	add(detail, screen.Width(detail), styleOf(st, p))
	return row
}

// shortened is the address of a service, or only its port if that does not fit.
func shortened(st launcher.Status, room int) string {
	full := st.Address
	if screen.Width(full) <= room {
		return full
	}
	return fmt.Sprintf(":%d", st.Port)
}

// detailOf is what a service waits for, or how it failed. A restart to come is
// counted down.
func detailOf(st launcher.Status, now time.Time) string {
	if st.State != launcher.StateBackoff || st.RestartAt.IsZero() {
		return st.Detail
	}
	return fmt.Sprintf("restarting in %d s: %s", secondsLeft(st, now), st.Exit)
}

// secondsLeft is the time until a restart, rounded up.
func secondsLeft(st launcher.Status, now time.Time) int {
	return int((max(st.RestartAt.Sub(now), 0) + time.Second - 1) / time.Second)
}

// took formats how long a service needed to become ready.
func took(st launcher.Status) string {
	if st.ReadyMS == 0 {
		return ""
	}
	return "after " + text.Duration(time.Duration(st.ReadyMS*float64(time.Millisecond)))
}

// age formats how long the process of a service has lived.
func age(st launcher.Status, now time.Time) string {
	if st.Since.IsZero() {
		return ""
	}
	d := lived(st, now)
	unit, name := unitOf(d)
	return fmt.Sprintf("up %d %s", d/unit, name)
}

// unitOf is the unit in which an age is shown.
func unitOf(d time.Duration) (unit time.Duration, name string) {
	switch {
	case d < time.Minute:
		return time.Second, "s"
	case d < time.Hour:
		return time.Minute, "min"
	case d < 48*time.Hour:
		return time.Hour, "h"
	}
	return 24 * time.Hour, "days"
}

// lived is how long the process of a service has lived. It changes when the
// clock's second does, for all services at the same time.
func lived(st launcher.Status, now time.Time) time.Duration {
	return max(now.Truncate(time.Second).Sub(st.Since.Truncate(time.Second)), 0)
}

// nextChange is the time until the next age or countdown changes; 0 if there
// are none.
func nextChange(services []launcher.Status, now time.Time) (next time.Duration) {
	soonest := func(d time.Duration) {
		if d > 0 && (next == 0 || d < next) {
			next = d
		}
	}
	for _, st := range services {
		if !st.Since.IsZero() {
			d := lived(st, now)
			unit, _ := unitOf(d)
			soonest(unit - d%unit - now.Sub(now.Truncate(time.Second)))
		}
		if left := st.RestartAt.Sub(now); st.State == launcher.StateBackoff && left > 0 {
			soonest(left - time.Duration(secondsLeft(st, now)-1)*time.Second)
		}
	}
	return next
}
