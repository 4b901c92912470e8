package view

import (
	"fmt"

	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// helpItems list the keys.
var helpItems = [...]struct{ keys, text string }{
	{"1-9 ↑ ↓", "pick and show one service"},
	{"g", "go to a service by its name"},
	{"0 Esc", "show all output"},
	{"/", "show only matching lines"},
	{"p", "pause or resume the output"},
	{"Ctrl-L", "clear the screen"},
	{"?", "close this list"},
	{"i e", "details; environment"},
	{"l", "open its log in the pager"},
	{"r R", "restart (R: and dependents)"},
	{"s", "stop or start it"},
	{"a", "type into it, until Ctrl-]"},
	{"o", "open it in the browser"},
	{"d", "leave a run started with -d"},
	{"q", "stop all services and quit"},
}

// helpRows renders the keys, in as many columns as fit.
func helpRows(size terminal.Size) (rows []screen.Row) {
	const keys, text = 7, 28
	perRow := max((size.Columns-1)/(1+keys+2+text), 1)
	n := (len(helpItems) + perRow - 1) / perRow
	most := size.Rows - 2
	for i := range min(n, most) {
		if i == most-1 && n > most {
			return append(rows, screen.Row{span(fmt.Sprintf(" +%d more", n-i), "")})
		}
		row := screen.Row{}
		for j := i; j < len(helpItems); j += n {
			item := helpItems[j]
			row = append(row, span(" "+screen.Pad(item.keys, keys)+"  "+screen.Pad(item.text, text), ""))
		}
		rows = append(rows, row)
	}
	return rows
}
