package output

// Relay writes output that the [Tail] of another Mux, in another process, has
// kept. It is for one goroutine.
type Relay struct {
	stream *Stream
	blank  int    // the number of blank lines before held
	held   []byte // blank lines that may be part of a clear
}

// Relay returns a Relay for the output of a service, or for [Own] lines.
func (m *Mux) Relay(service string) *Relay {
	s := &Stream{mux: m, name: service, color: ownColor}
	if service != Own {
		s.color = m.names.add(service)
	}
	return &Relay{stream: s}
}

// maxHeld limits how many bytes of blank lines a Relay holds.
const maxHeld = 4 << 10

// Write writes a block: see [Block]. The style of the other Mux may not be
// Printable, so that clears are still in the block. Blank lines at its end are
// written with the next block.
func (r *Relay) Write(block []byte) {
	text := append(r.held, block...)
	r.held = nil
	if !r.stream.mux.style.Printable {
		r.emit(text)
		return
	}
	start, blank := blankRun(text, r.blank)
	if blank >= minClear && len(text)-start <= maxHeld {
		r.held = append(r.held, text[start:]...)
		text = text[:start]
	}
	if len(text) == 0 {
		return
	}
	before := r.blank
	r.blank = blankAfter(text, before)
	r.emit(dropClears(text, before))
}

func (r *Relay) emit(text []byte) {
	if len(text) > 0 {
		r.stream.emit(text)
	}
}

// Missed writes a line of devports' own that says that lines are missing.
func (m *Mux) Missed(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.putLine(m.filter.Load(), ownLine(text))
}
