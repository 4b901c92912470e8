package main

import (
	"fmt"
	"strings"
	"sync"
)

// endingsTable counts processes by the way in which their run has ended, and by
// what happened to them.
type endingsTable struct {
	mu    sync.Mutex // guards the fields below
	cells map[way]map[string]*endingsCell
}

type endingsCell struct {
	runs    int
	counted int // survivors, or bystanders that lived
	total   int // bystanders
}

func (e *endingsTable) count(w way, column string, counted, total int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cells == nil {
		e.cells = map[way]map[string]*endingsCell{}
	}
	if e.cells[w] == nil {
		e.cells[w] = map[string]*endingsCell{}
	}
	if e.cells[w][column] == nil {
		e.cells[w][column] = &endingsCell{}
	}
	c := e.cells[w][column]
	c.runs++
	c.counted += counted
	c.total += total
}

// markdown formats the table with these columns.
func (e *endingsTable) markdown(corner string, columns []string, word func(endingsCell) string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %s |\n|%s\n", corner, strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)+1))
	for _, w := range ways {
		if e.cells[w] == nil {
			continue
		}
		row := []string{string(w)}
		for _, column := range columns {
			text := "-"
			if c := e.cells[w][column]; c != nil {
				text = word(*c)
			}
			row = append(row, text)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.String()
}

func survivorsOfRuns(c endingsCell) string { return fmt.Sprintf("%d in %d", c.counted, c.runs) }

func livedOfTotal(c endingsCell) string { return fmt.Sprintf("%d of %d", c.counted, c.total) }
