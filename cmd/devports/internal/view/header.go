package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/screen"
)

// header renders the rule above the services, or what the user is asked or
// types. column is the column of the cursor.
func (m model) header(width int, p palette.Palette) (row screen.Row, column int) {
	switch {
	case m.asking:
		return screen.Row{span(firstThatFits(width, m.question()...), palette.Bold)}, 0
	case m.prompt != promptNone:
		return m.promptRow(p)
	}
	start := span("── ", p.Quiet)
	title := screen.Row{start, span(screen.Middle(m.title, max(width/3, 8)), palette.Bold), span(": ", "")}
	for _, row = range []screen.Row{
		slices.Concat(title, m.summary(p, false), m.showing(p)),
		slices.Concat(title, m.summary(p, true), m.showing(p)),
		slices.Concat(screen.Row{start}, m.summary(p, true), m.showing(p)),
	} {
		if row.Width() <= width {
			break
		}
	}
	right := []screen.Span{span(" ? keys · q quit ──", p.Quiet), span(" ? keys ──", p.Quiet), span("", p.Quiet)}
	if m.leaves {
		right[0].Text = " ? keys · d leave ──"
		right = append([]screen.Span{span(" ? keys · d leave · q quit ──", p.Quiet)}, right...)
	}
	if m.panel != panelNone {
		right = []screen.Span{span(" e environment · i closes · q quit ──", p.Quiet), span(" i closes ──", p.Quiet), span("", p.Quiet)}
	}
	if m.notice != "" {
		right = []screen.Span{span(" "+m.notice+" ──", p.Busy)}
	}
	for _, r := range right {
		if rule := width - row.Width() - screen.Width(r.Text) - 1; rule > 0 {
			return append(row, span(" "+strings.Repeat("─", rule), p.Quiet), r), 0
		}
	}
	if m.notice != "" { // it is more important than the rest
		return screen.Row{span("── "+m.notice, p.Busy)}, 0
	}
	return row, 0
}

// showing is what differs from showing all output of a valid file.
func (m model) showing(p palette.Palette) (row screen.Row) {
	if m.warning != "" {
		row = append(row, span(" · "+m.warning, p.Bad))
	}
	if m.picked != "" || m.match != nil {
		row = append(row, span(" · "+m.shown(), p.Note))
	}
	if m.paused {
		row = append(row, span(" · paused (p resumes)", p.Busy))
	}
	return row
}

// question is what quit asks, from the longest form to the shortest.
func (m model) question() []string {
	services, verb := wording.Count(m.live(), "service"), "stop"
	if m.stopping() {
		verb = "kill"
	}
	if m.leaves {
		return []string{
			fmt.Sprintf("── %s %s? q, Enter or y: %s · d: leave running · others: cancel ──", verb, services, verb),
			fmt.Sprintf("%s %s? q, Enter, y: yes · d: leave · others: no", verb, services),
			fmt.Sprintf("%s %s? q: yes, d: leave", verb, services),
			fmt.Sprintf("%s %d? q: yes", verb, m.live()),
		}
	}
	return []string{
		fmt.Sprintf("── %s %s and quit? q, Enter or y: %s · any other key: cancel ──", verb, services, verb),
		fmt.Sprintf("── %s %s? q, Enter, y: yes · others: cancel", verb, services),
		fmt.Sprintf("%s %s? q: yes", verb, services),
		fmt.Sprintf("%s %d? q: yes", verb, m.live()),
	}
}

// stopping reports whether all services are already being stopped.
func (m model) stopping() bool {
	for _, st := range m.services {
		if !st.Ended() && st.State != launcher.StateStopping {
			return m.quitting
		}
	}
	return true
}

// firstThatFits returns the first of texts that fits a width, or the last.
func firstThatFits(width int, texts ...string) string {
	for _, text := range texts {
		if screen.Width(text) <= width {
			return text
		}
	}
	return texts[len(texts)-1]
}

// promptRow renders what the user is typing, and what Enter does.
func (m model) promptRow(p palette.Palette) (row screen.Row, column int) {
	label, hint := "/ ", "regular expression: Enter applies, Esc cancels"
	if m.prompt == promptGo {
		label, hint = "go to: ", "a service's first letters: Enter picks it, Esc cancels"
		if found := m.candidates(); m.input != "" && len(found) == 0 {
			hint = "no such service"
		} else if m.input != "" {
			hint = "Enter: " + strings.Join(found, ", ")
		}
	}
	if m.notice != "" {
		hint = m.notice
	}
	row = screen.Row{span(label, palette.Bold), span(m.input, "")}
	return append(row, span("   "+hint, p.Quiet)), row.Width()
}

// summary counts the services by state. If short, it names only the states that
// matter most.
func (m model) summary(p palette.Palette, short bool) (row screen.Row) {
	counts := map[launcher.State]int{}
	for _, st := range m.services {
		counts[summarized(st.State)]++
	}
	others := len(m.services)
	add := func(n int, what, style string) {
		if len(row) > 0 {
			row = append(row, span(", ", ""))
		}
		row = append(row, span(fmt.Sprintf("%d %s", n, what), style))
	}
	for _, state := range []launcher.State{
		launcher.StateReady, launcher.StateFailed, launcher.StateStarting, launcher.StateBackoff,
		launcher.StateStopping, launcher.StateStopped, launcher.StateDone,
	} {
		if counts[state] == 0 || short && state != launcher.StateReady && state != launcher.StateFailed {
			continue
		}
		style := ""
		if state == launcher.StateFailed {
			style = p.Bad
		}
		add(counts[state], inWords(state), style)
		others -= counts[state]
	}
	if others > 0 {
		add(others, "other", "")
	}
	return row
}

// summarized is the state under which the summary counts a service.
func summarized(state launcher.State) launcher.State {
	if state == launcher.StateWaiting {
		return launcher.StateStarting
	}
	return state
}

// inWords is a state as the summary names it.
func inWords(state launcher.State) string {
	if state == launcher.StateBackoff {
		return "restarting"
	}
	return string(state)
}
