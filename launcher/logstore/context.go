package logstore

// contextLines selects, for a service, the lines that match and those around
// them.
type contextLines struct {
	context int         // the number of lines before and after a match
	before  []blockLine // the last ones that have not been selected
	after   int         // lines still to select after a match
	skipped []page      // those after before, none of which has a match
}

// contextOf returns the contextLines of a service.
func (r *queryReader) contextOf(service string) *contextLines {
	n := r.context[service]
	if n == nil {
		n = &contextLines{context: r.query.Context}
		r.context[service] = n
	}
	return n
}

// page returns the lines of a page that match and those around them. It does
// not decode the page if none matches; last says that no page follows.
func (n *contextLines) page(d *decoder, p page, text []byte, last bool) []blockLine {
	if n.after == 0 && !last && !d.mayMatch(p, text) {
		n.skipped = append(n.skipped, p)
		return nil
	}
	lines := d.page(p, text)
	var skipped []blockLine
	for back := len(n.skipped) - 1; back >= 0 && len(skipped) < n.context; back-- {
		earlier := decoder{window: d.window, tuned: true}
		earlier.unfinished = false
		p := n.skipped[back]
		skipped = append(earlier.page(p, p.read(make([]byte, pageLen))), skipped...)
	}
	n.before = append(n.before, skipped...)
	n.before = n.before[max(0, len(n.before)-n.context):]
	n.skipped = nil
	return n.selectLines(lines)
}

// selectLines returns those lines that match, or are around those that do.
func (n *contextLines) selectLines(lines []blockLine) (selected []blockLine) {
	for _, l := range lines {
		switch {
		case l.missed > 0:
			selected = append(selected, l)
		case l.matches:
			selected = append(append(selected, n.before...), l)
			n.before, n.after = nil, n.context
		case n.after > 0:
			n.after--
			selected = append(selected, l)
		default:
			n.before = append(n.before, l)
			n.before = n.before[max(0, len(n.before)-n.context):]
		}
	}
	return selected
}
