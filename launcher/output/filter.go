package output

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Filter says what of the output is shown. The zero Filter shows everything.
type Filter struct {
	Service string         // only what this one prints, and devports itself; "" for all
	Match   *regexp.Regexp // only lines that match, with the matches marked; nil for all
	Nothing bool           // nothing at all
}

// hides reports whether nothing of what a service prints is shown.
func (l *Filter) hides(service string) bool {
	return l != nil && (l.Nothing || l.Service != "" && l.Service != service && service != Own)
}

// marked appends a line as it is shown, with what matches in reverse video,
// unless it is not shown. The escape sequences of one that matches are left out:
// they may lie within a match.
func (l *Filter) marked(dst, line []byte) (_ []byte, shown bool) {
	if bytes.IndexByte(line, '\x1b') >= 0 {
		line = escapes().ReplaceAll(line, nil)
	}
	matches := l.Match.FindAllIndex(line, -1)
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

// Replay is what is shown of the output that there has been.
type Replay struct {
	Head    string  // a line of devports' own before it; "" for none
	Since   int64   // the number of the first line: see [Tail.Since]
	Last    int     // at most so many lines, the last ones
	Through *Filter // nil for the filter that what comes is shown through
}

// SetFilter has the output shown through a filter from now on, after some of what there
// has been. It returns the number of the next line. It needs [Mux.Keep].
func (m *Mux) SetFilter(filter Filter, past Replay) (next int64) {
	m.order.Lock() // what is in the tail has been written
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
		m.putLine(&Filter{}, ownLine(fmt.Sprintf("… %d lines are not kept any more", missed)))
	}
	lines = slices.DeleteFunc(lines, func(line Line) bool { return !past.Through.recalls(line) })
	for _, line := range lines[max(0, len(lines)-past.Last):] {
		m.putLine(past.Through, line)
	}
	return next
}

func ownLine(text string) Line { return Line{Service: Own, Time: time.Now(), Text: text} }

// recalls reports whether a line that was printed earlier is shown again. Of one
// service alone those of devports' own are not: they are mostly of others.
func (l *Filter) recalls(line Line) bool {
	if l.hides(line.Service) || l.Service != "" && l.Service != line.Service {
		return false
	}
	return l.Match == nil || l.Match.MatchString(escapes().ReplaceAllString(line.Text, ""))
}

// putLine writes a line that was printed earlier, if the filter shows it. The
// mutex is held.
func (m *Mux) putLine(filter *Filter, line Line) {
	s := &Stream{mux: m, name: line.Service, color: ownColor}
	if line.Service != Own {
		s.color = m.names.add(line.Service)
	}
	s.format([]byte(line.Text+"\n"), filter, line.Time)
	m.put(s)
}
