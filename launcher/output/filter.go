package output

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Filter selects the output that is shown. The zero Filter shows everything.
type Filter struct {
	Service string         // only this one's lines and devports' own; "" for all
	Match   *regexp.Regexp // only lines that match, with the matches marked; nil for all
	Nothing bool           // no output
}

// hides reports whether the filter hides all output of a service.
func (f *Filter) hides(service string) bool {
	return f != nil && (f.Nothing || f.Service != "" && f.Service != service && service != Own)
}

// marked appends a line with its matches in reverse video; shown is false if there
// are none. It leaves out escape sequences, which may lie within a match.
func (f *Filter) marked(dst, line []byte) (_ []byte, shown bool) {
	if bytes.IndexByte(line, '\x1b') >= 0 {
		line = escapes().ReplaceAll(line, nil)
	}
	matches := f.Match.FindAllIndex(line, -1)
	if len(matches) == 0 {
		return dst, false
	}
	end := 0
	for _, m := range matches {
		dst = append(dst, line[end:m[0]]...)
		if m[1] > m[0] {
			dst = append(append(append(dst, "\x1b[7m"...), line[m[0]:m[1]]...), "\x1b[27m"...)
		}
		end = m[1]
	}
	return append(dst, line[end:]...), true
}

// Replay selects the earlier output that is shown again.
type Replay struct {
	Head    string  // a line of devports' own before it; "" for none
	Since   int64   // the number of the first line: see [Tail.Since]
	Last    int     // the maximum number of lines, the last ones
	Through *Filter // nil for the filter of later output
}

// SetFilter shows only the output that filter selects from now on, after replaying
// past. It returns the number of the next line. It requires [Mux.Keep].
func (m *Mux) SetFilter(filter Filter, past Replay) (next int64) {
	m.order.Lock() // so all lines in the tail have been written
	defer m.order.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.filter.Store(&filter)
	if m.open != nil {
		m.open.cut = true
		m.open = nil
		m.send([]byte{'\n'})
	}
	if past.Head != "" {
		m.putLine(&Filter{}, ownLine(past.Head))
	}
	if past.Through == nil {
		past.Through = &filter
	}
	lines, next, missed, _ := m.tail.Since(past.Since)
	if missed > 0 && past.Last > len(lines) {
		m.putLine(&Filter{}, ownLine(fmt.Sprintf("… %d lines are no longer kept", missed)))
	}
	lines = slices.DeleteFunc(lines, func(line Line) bool { return !past.Through.replays(line) })
	for _, line := range lines[max(0, len(lines)-past.Last):] {
		m.putLine(past.Through, line)
	}
	return next
}

// Keeps reports whether output of a service can be replayed. It requires
// [Mux.Keep].
func (m *Mux) Keeps(service string) bool { return m.tail.has(service) }

// Replay shows lines that are no longer kept, as far as the filter shows them.
func (m *Mux) Replay(lines []Line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open != nil {
		m.end(m.open)
	}
	for _, line := range lines {
		m.putLine(m.filter.Load(), line)
	}
}

func ownLine(text string) Line { return Line{Service: Own, Time: time.Now(), Text: text} }

// replays reports whether an earlier line is shown again. A filter for one service
// hides devports' own lines here: most of them are about other services.
func (f *Filter) replays(line Line) bool {
	if f.hides(line.Service) || f.Service != "" && f.Service != line.Service {
		return false
	}
	return f.Match == nil || f.Match.MatchString(escapes().ReplaceAllString(line.Text, ""))
}

// putLine writes an earlier line if the filter shows it; mu is held.
func (m *Mux) putLine(filter *Filter, line Line) {
	s := &Stream{mux: m, name: line.Service, color: ownColor}
	if line.Service != Own {
		s.color = m.names.add(line.Service)
	}
	s.format([]byte(line.Text+"\n"), filter, line.Time)
	m.put(s)
}
