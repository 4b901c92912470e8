package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/screen"
)

// logPrinter prints lines in the format of the options.
type logPrinter struct {
	session   session
	out       *bufio.Writer
	json      *json.Encoder // nil for text
	printable bool
	nameWidth int // of names at most; 0: any
	now       time.Time
	text      []byte // scratch
	printed   int
	progress  io.Writer // shows the progress of a slow search; nil for none
	shown     bool      // the progress is on the terminal now
}

// logBuffer is the size of the writes of many lines.
const logBuffer = 64 << 10

func newLogPrinter(s session, c *cli.Context) *logPrinter {
	p := &logPrinter{session: s, now: time.Now().Local()}
	out := s.stdout
	if file := fileOf(s.stdout); file != nil && !c.Bool("json") { // lines are made printable below, unless --raw
		out = file
	}
	p.out = bufio.NewWriterSize(out, logBuffer)
	if c.Bool("json") {
		p.json = json.NewEncoder(p.out)
		p.json.SetEscapeHTML(false)
	}
	p.printable = !c.Bool("raw")
	if window, _, unwatch := s.window(); window != nil {
		p.nameWidth = max(nameWidth(window)(), len(output.Own))
		unwatch()
	}
	if isTerminal(s.stderr) && s.getenv("TERM") != "dumb" {
		p.progress = fileOf(s.stderr)
	}
	return p
}

// print prints a line, at the latest with the next flush.
func (p *logPrinter) print(l logstore.Line) error {
	p.erase()
	if l.Missed == 0 {
		p.printed++
	}
	if p.json != nil {
		cursor := ""
		if l.Cursor.Run != "" {
			cursor = l.Cursor.String()
		}
		return p.json.Encode(logLine{formatVersion{}, l.Time, l.Service, l.Text, l.Missed, cursor})
	}
	if l.Missed > 0 {
		of := ""
		if l.Service != "" {
			of = " of " + l.Service
		}
		if err := p.flush(); err != nil {
			return err
		}
		p.session.note("missing %s%s here: %s", wording.Count(int(l.Missed), "line"), of, l.Text)
		return nil
	}
	at := l.Time.Local()
	layout := "15:04:05.000"
	if at.YearDay() != p.now.YearDay() || at.Year() != p.now.Year() {
		layout = "2006-01-02 15:04:05.000"
	}
	name, text := l.Service, l.Text
	if p.nameWidth > 0 {
		name = screen.Middle(name, p.nameWidth)
	}
	if p.printable {
		text = output.Printable(text)
	}
	p.text = append(at.AppendFormat(p.text[:0], layout), ' ')
	p.text = append(append(append(p.text, name...), " | "...), text...)
	_, err := p.out.Write(append(p.text, '\n'))
	return err
}

// flush writes what has been printed so far.
func (p *logPrinter) flush() error { return p.out.Flush() }

// read prints lines of a run: of a search those found so far, and on a terminal
// how far a slow search has come.
func (p *logPrinter) read(ctx context.Context, r logstore.Run, q logstore.Query) error {
	if q.Match == nil {
		if err := r.Read(ctx, q, p.print); err != nil {
			return err
		}
		return p.flush()
	}
	var searched atomic.Int64
	q.Progress = &searched
	lines, done := make(chan logstore.Line, 1000), make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		for range lines { // until Read has returned
		}
	}()
	go func() {
		defer close(lines)
		done <- r.Read(ctx, q, func(l logstore.Line) error {
			select {
			case lines <- l:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	total := r.Size()
	for open := true; open; {
		var l logstore.Line
		select {
		case l, open = <-lines:
		default:
			if err := p.flush(); err != nil {
				return err
			}
			select {
			case l, open = <-lines:
			case <-ticks.C:
				p.showProgress(searched.Load(), total)
				continue
			}
		}
		if open {
			if err := p.print(l); err != nil {
				return err
			}
		}
	}
	p.erase()
	if err := <-done; err != nil {
		return err
	}
	return p.flush()
}

func (p *logPrinter) showProgress(searched, total int64) {
	if p.progress != nil {
		p.erase()
		fmt.Fprintf(p.progress, "searched %s of %s", wording.Bytes(searched), wording.Bytes(total))
		p.shown = true
	}
}

// erase removes the progress from the terminal.
func (p *logPrinter) erase() {
	if p.shown {
		fmt.Fprint(p.progress, "\r\x1b[K")
		p.shown = false
	}
}

func (p *logPrinter) close() {
	p.erase()
	_ = p.flush() // an error has been returned
}
