package view

import (
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// shapes are the symbols of the states, which differ not only by colour.
var shapes = map[launcher.State]string{
	launcher.StateWaiting:  "○",
	launcher.StateStarting: "◐",
	launcher.StateReady:    "●",
	launcher.StateBackoff:  "↻",
	launcher.StateStopping: "◑",
	launcher.StateStopped:  "■",
	launcher.StateDone:     "✓",
	launcher.StateFailed:   "✗",
}

// styleOf is the colour of a service's state and build.
func styleOf(st launcher.Status, p palette.Palette) string {
	switch {
	case failed(st):
		return p.Bad
	case st.Build == launcher.BuildRunning:
		return p.Busy
	}
	switch st.State {
	case launcher.StateReady, launcher.StateDone:
		return p.Good
	case launcher.StateWaiting, launcher.StateStopped:
		return p.Quiet
	}
	return p.Busy
}

func span(words, style string) screen.Span {
	return screen.Span{Text: text.OneLine(words), Style: style}
}

// rows renders the model in at most a third of a screen, or more if that would
// hide failed services. column is the column of the cursor in the first row. A
// nil palette is for a terminal without colours.
func (m model) rows(size terminal.Size, now time.Time, p *palette.Palette) (rows []screen.Row, column int) {
	colors := palette.Palette{}
	if p != nil {
		colors = *p
	}
	header, column := m.header(size.Columns-1, colors)
	rows = append(rows, header)
	switch {
	case m.help:
		rows = append(rows, helpRows(size)...)
	case m.panel != panelNone && m.target() != "":
		rows = append(rows, m.panelRows(size, now, colors)...)
	default:
		rows = append(rows, m.serviceRows(size, now, colors)...)
	}
	if p == nil {
		for _, row := range rows {
			for i := range row {
				row[i].Style = ""
			}
		}
	}
	return rows, column
}
