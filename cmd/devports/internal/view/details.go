package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// panel is what is shown instead of the services.
type panel int

const (
	panelNone        panel = iota
	panelDetails           // of the targeted service
	panelEnvironment       // of its process
)

// inspectDelay is the time between two inspections of the service in the panel.
const inspectDelay = time.Second

// toggle opens or closes a panel about the targeted service.
func (m model) toggle(p panel) (model, command) {
	switch {
	case m.target() == "":
		m.notice = pickFirst
		return m, cmdNothing
	case m.panel == p:
		m.panel = panelNone
		return m, cmdNothing
	}
	m.panel, m.revealed, m.scroll = p, false, 0
	return m, cmdInspect
}

// environmentKey opens the environment, then shows its masked values, then masks
// them again.
func (m model) environmentKey() (model, command) {
	if m.panel != panelEnvironment {
		return m.toggle(panelEnvironment)
	}
	m.revealed = !m.revealed
	return m, cmdNothing
}

// inspected returns the model with new details.
func (m model) inspected(d launcher.Details) model {
	m.load = ""
	if spent := d.At.Sub(m.details.At); d.Service == m.details.Service && spent > 0 && d.CPUMS >= m.details.CPUMS && d.PID == m.details.PID {
		m.load = fmt.Sprintf("%.0f %% of a core, ", 100*float64(d.CPUMS-m.details.CPUMS)/float64(spent.Milliseconds()))
	}
	m.details = d
	return m
}

// panelRows renders the panel, in about two thirds of the screen at most.
func (m model) panelRows(size terminal.Size, now time.Time, p palette.Palette) (rows []screen.Row) {
	if m.details.Service != m.target() {
		return []screen.Row{{span(" loading details of "+m.target()+" …", p.Quiet)}}
	}
	limit := panelLimit(size)
	if m.panel == panelEnvironment {
		return m.environmentRows(limit, p)
	}
	for _, f := range m.facts(now) {
		for i, line := range wrap(f.value, max(size.Columns-1-factWidth, 8)) {
			label := ""
			if i == 0 {
				label = f.label
			}
			rows = append(rows, screen.Row{span(screen.Pad(" "+label, factWidth), p.Quiet), span(line, f.style(p))})
		}
	}
	return rows[:min(len(rows), limit)]
}

// panelLimit is the number of rows that a panel may have.
func panelLimit(size terminal.Size) int { return max(size.Rows*2/3-1, min(12, size.Rows-3)) }

// factWidth is the width of the labels of facts.
const factWidth = 12

// fact is a labelled line of the details of a service.
type fact struct {
	label, value string
	style        func(palette.Palette) string
}

// facts are what the panel shows about a service.
func (m model) facts(now time.Time) (all []fact) {
	d := m.details
	plain := func(palette.Palette) string { return "" }
	add := func(label, value string) {
		if value != "" {
			all = append(all, fact{label, value, plain})
		}
	}
	state := []string{d.Label()}
	state = append(state, took(d.Status), age(d.Status, now))
	if d.Restarts > 0 {
		state = append(state, fmt.Sprintf("restarted %d×", d.Restarts))
	}
	state = append(state, detailOf(d.Status, now))
	state = slices.DeleteFunc(state, func(s string) bool { return s == "" })
	all = append(all, fact{"state", strings.Join(state, ", "), func(p palette.Palette) string { return styleOf(d.Status, p) }})
	add("exit", exitOf(d))
	add("address", d.Address)
	if port := fmt.Sprint(d.Port); d.Port > 0 && !strings.Contains(d.Address, port) {
		add("port", port)
	}
	add("command", d.Command)
	add("directory", d.Directory)
	if d.PID > 0 {
		add("pid", pids(d))
	}
	if d.CPUMS > 0 || d.Memory > 0 {
		add("CPU", m.load+text.Duration(time.Duration(d.CPUMS)*time.Millisecond)+" so far")
	}
	if d.Memory > 0 {
		add("memory", wording.Bytes(d.Memory))
	}
	if len(d.DependsOn) > 0 {
		add("depends on", wording.List(d.DependsOn))
	}
	return all
}

// exitOf is how the latest process ended.
func exitOf(d launcher.Details) string {
	if d.ExitStatus == nil || d.Status.Exit == "" {
		return ""
	}
	if number := fmt.Sprint(*d.ExitStatus); !strings.Contains(d.Status.Exit, number) {
		return d.Status.Exit + " (status " + number + ")"
	}
	return d.Status.Exit
}

// pids lists the processes of a service, with the one that was started first.
func pids(d launcher.Details) string {
	others := slices.DeleteFunc(slices.Clone(d.PIDs), func(pid int) bool { return pid == d.PID })
	if len(others) == 0 {
		return fmt.Sprint(d.PID)
	}
	return fmt.Sprintf("%d, with %s", d.PID, wording.Numbers(others))
}

// environmentRows renders a part of the environment, from m.scroll.
func (m model) environmentRows(limit int, p palette.Palette) (rows []screen.Row) {
	all := m.details.Environment
	shown := min(len(all), limit-1)
	first := max(min(m.scroll, len(all)-shown), 0)
	for _, entry := range all[first : first+shown] {
		name, value, _ := strings.Cut(entry, "=")
		if !m.revealed {
			value = masked(name, value)
		}
		rows = append(rows, screen.Row{span(" "+name+"=", p.Note), span(value, "")})
	}
	last := fmt.Sprintf(" %d-%d of %s", first+1, first+shown, wording.Count(len(all), "variable"))
	if shown < len(all) {
		last += " · ↑ ↓ scroll"
	}
	if m.revealed {
		last += " · e masks secrets"
	} else {
		last += " · e shows masked values"
	}
	return append(rows, screen.Row{span(last+" · i details · Esc closes", p.Quiet)})
}

// scrolled returns the model with the environment moved by some rows.
func (m model) scrolled(by int) model {
	last := len(m.details.Environment) - (panelLimit(m.size) - 1)
	m.scroll = max(min(m.scroll+by, last), 0)
	return m
}

// wrap breaks a text into lines of a width, at blanks where possible.
func wrap(s string, width int) (lines []string) {
	s = text.OneLine(s)
	for screen.Width(s) > width {
		head := screen.Truncate(s, width)
		if blank := strings.LastIndexByte(head, ' '); blank > len(head)/2 {
			head = head[:blank]
		}
		if head == "" {
			break
		}
		lines, s = append(lines, head), strings.TrimPrefix(s[len(head):], " ")
	}
	return append(lines, s)
}
