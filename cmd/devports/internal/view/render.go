package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// mark is the symbol of a state. States differ by shape, not only by colour.
type mark struct{ shape, style string }

const (
	dim  = "2"
	bold = "1"
)

var marks = map[launcher.State]mark{
	launcher.StateWaiting:  {"○", dim},
	launcher.StateStarting: {"◐", "33"},
	launcher.StateReady:    {"●", "32"},
	launcher.StateBackoff:  {"↻", "33"},
	launcher.StateStopping: {"◑", "33"},
	launcher.StateStopped:  {"■", dim},
	launcher.StateDone:     {"✓", "32"},
	launcher.StateFailed:   {"✗", "31"},
}

func span(words, style string) screen.Span {
	return screen.Span{Text: text.OneLine(words), Style: style}
}

// helpRows list the keys.
var helpRows = []string{
	" 1-9 ↑ ↓   pick and show one service      r R restart it (R: with dependents)",
	" 0 Esc     show all output                s   stop or start it",
	" /         show only matching lines       a   type to it, until Ctrl-]",
	" p         pause or resume the output     o   open it in the browser",
	" Ctrl-L    clear the screen               q   quit; press twice to kill",
}

// rows renders the model in at most a third of a screen. column is the column
// of the cursor in the first row.
func (m model) rows(size terminal.Size, now time.Time, colored bool) (rows []screen.Row, column int) {
	header, column := m.header(size.Columns - 1)
	rows = append(rows, header)
	if m.help {
		for _, text := range helpRows {
			rows = append(rows, screen.Row{span(text, "")})
		}
	} else {
		rows = append(rows, m.serviceRows(size.Rows/3-1, size.Columns, now)...)
	}
	if !colored {
		for _, row := range rows {
			for i := range row {
				row[i].Style = ""
			}
		}
	}
	return rows, column
}

// header renders the rule above the services.
func (m model) header(width int) (row screen.Row, column int) {
	if m.typing {
		row = screen.Row{span("/ ", bold), span(m.input, "")}
		hint := "regular expression: Enter applies, Esc cancels"
		if m.notice != "" {
			hint = m.notice
		}
		return append(row, span("   "+hint, dim)), row.Width()
	}
	row = screen.Row{span("── ", dim), span(m.title, bold), span(": "+m.summary(), "")}
	if m.warning != "" {
		row = append(row, span(" · "+m.warning, "31"))
	}
	if m.picked != "" || m.match != nil {
		row = append(row, span(" · "+m.shown(), "36"))
	}
	if m.paused {
		row = append(row, span(" · paused (p resumes)", "33"))
	}
	right := []screen.Span{span(" ? keys · q quit ──", dim), span(" ? keys ──", dim), span("", dim)}
	if m.notice != "" {
		right = []screen.Span{span(" "+m.notice+" ──", "33")}
	}
	for i, r := range right {
		rule := width - row.Width() - screen.Width(r.Text) - 1
		if rule > 0 || i == len(right)-1 {
			return append(row, span(" "+strings.Repeat("─", max(rule, 0)), dim), r), 0
		}
	}
	return row, 0
}

// summary counts the services by state.
func (m model) summary() string {
	counts := map[launcher.State]int{}
	for _, st := range m.services {
		counts[st.State]++
	}
	all := len(m.services)
	if counts[launcher.StateReady] == all {
		return fmt.Sprintf("%d ready", all)
	}
	words := []string{fmt.Sprintf("%d of %d ready", counts[launcher.StateReady], all)}
	for _, state := range []launcher.State{launcher.StateFailed, launcher.StateStopped, launcher.StateDone} {
		if counts[state] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[state], state))
		}
	}
	return strings.Join(words, ", ")
}

// serviceRows renders the services in at most that many rows. The picked
// service is always shown; the last row counts the services that are not.
func (m model) serviceRows(most, width int, now time.Time) (rows []screen.Row) {
	first, last := 0, len(m.services)
	if last > most {
		shown := max(most-1, 1)
		for i, st := range m.services {
			if st.Service == m.picked {
				first = max(0, i-shown+1)
			}
		}
		last = first + shown
	}
	name, state, url := 0, len(launcher.StateStarting), 0
	for _, st := range m.services {
		name, state, url = max(name, len(st.Service)), max(state, len(st.Label())), max(url, len(address(st)))
	}
	failed := 0
	for i, st := range m.services {
		if i >= first && i < last {
			rows = append(rows, m.serviceRow(i, st, name, state, url, width, now))
		} else if st.State == launcher.StateFailed {
			failed++
		}
	}
	if hidden := len(m.services) - (last - first); hidden > 0 && len(rows) < most {
		text := fmt.Sprintf("     +%d more", hidden)
		if failed > 0 {
			text += fmt.Sprintf(", %d failed", failed)
		}
		rows = append(rows, screen.Row{span(text, dim)})
	}
	return rows
}

// serviceRow renders a service: number, state, name, URL, time to ready, age,
// restarts and detail. On a narrow screen the detail replaces empty columns and
// the times.
func (m model) serviceRow(i int, st launcher.Status, name, state, url, width int, now time.Time) screen.Row {
	number, style, pointer := " ", "", " "
	if i < 9 {
		number = fmt.Sprint(i + 1)
	}
	if st.Service == m.picked {
		pointer, style = "▸", bold
	}
	look := marks[st.State]
	switch st.Build {
	case launcher.BuildRunning:
		look.style = marks[launcher.StateStarting].style
	case launcher.BuildFailure:
		look.style = marks[launcher.StateFailed].style
	}
	row := screen.Row{
		span(pointer+number+" ", dim),
		span(look.shape+" ", look.style),
		span(screen.Pad(st.Service, name)+"  ", style),
		span(screen.Pad(st.Label(), state), look.style),
	}
	roomy := width > 90 || st.Detail == ""
	if url > 0 && (roomy || st.Port > 0) {
		row = append(row, span("  "+screen.Pad(address(st), url), ""))
	}
	took := ""
	if st.ReadyMS > 0 {
		took = text.Duration(time.Duration(st.ReadyMS * float64(time.Millisecond)))
	}
	if roomy {
		row = append(row, span(fmt.Sprintf("  %7s  %6s", took, age(st, now)), dim))
	}
	if st.Restarts > 0 {
		row = append(row, span(fmt.Sprintf("  ↻%d", st.Restarts), "33"))
	}
	if st.Detail != "" {
		row = append(row, span("  "+st.Detail, look.style))
	}
	return row
}

// address is the URL of a service, or localhost and its port.
func address(st launcher.Status) string {
	return st.Address
}

// age formats how long the process of a service has lived.
func age(st launcher.Status, now time.Time) string {
	d := lived(st, now)
	switch {
	case st.Since.IsZero():
		return ""
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

// lived is how long the process of a service has lived. It changes when the
// clock's second does, for all services at the same time.
func lived(st launcher.Status, now time.Time) time.Duration {
	return max(now.Truncate(time.Second).Sub(st.Since.Truncate(time.Second)), 0)
}

// nextAge is the time until the next age changes; 0 if there are no ages.
func nextAge(services []launcher.Status, now time.Time) (next time.Duration) {
	for _, st := range services {
		if st.Since.IsZero() {
			continue
		}
		d, unit := lived(st, now), time.Second
		if d >= time.Hour {
			unit = time.Hour
		} else if d >= time.Minute {
			unit = time.Minute
		}
		if rest := unit - d%unit - now.Sub(now.Truncate(time.Second)); next == 0 || rest < next {
			next = rest
		}
	}
	return next
}
