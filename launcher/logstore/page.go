package logstore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// segment is a segment that is read.
type segment struct {
	file   *os.File
	number uint32
}

// page is a page of a segment.
type page struct {
	segment *segment
	pos     int64
	time    int64 // of its first block
}

// pages returns the pages of a service with blocks between two times, the oldest
// first; the first page may end before from. The caller closes the files.
func pages(path, service string, numbers []uint32, from, until int64) (pages []page, files []*os.File) {
	defer func() { slices.Reverse(pages) }()
	for _, number := range slices.Backward(numbers) {
		f, err := os.Open(filepath.Join(path, segmentName(service, number)))
		if err != nil {
			continue // it has just been removed
		}
		files = append(files, f)
		s := &segment{f, number}
		info, err := f.Stat()
		if err != nil {
			continue
		}
		for n := min((info.Size()+pageLen-1)/pageLen, segmentPages) - 1; n >= 0; n-- {
			h, ok := s.header(n * pageLen)
			if !ok || h.time > until {
				continue
			}
			pages = append(pages, page{s, n * pageLen, h.time})
			if h.time <= from {
				return pages, files
			}
		}
	}
	return pages, files
}

func (s *segment) header(pos int64) (header, bool) {
	var b [headerLen]byte
	if n, _ := s.file.ReadAt(b[:], pos); n < headerLen {
		return header{}, false
	}
	return parseHeader(b[:], s.number)
}

// read reads a page into buf. It returns nothing if the page has become part of
// another segment.
func (p page) read(buf []byte) []byte {
	n, err := p.segment.file.ReadAt(buf[:pageLen], p.pos)
	if err != nil && err != io.EOF {
		return nil
	}
	if h, ok := p.segment.header(p.pos); !ok || h.time != p.time {
		return nil
	}
	return buf[:n]
}

// window selects lines of a page.
type window struct {
	after      Cursor // only lines after it
	before     Cursor // only lines before it; zero: all
	since      int64  // the first time
	until      int64  // the last time
	match      *Matcher
	mark       bool // all lines, each with whether it matches
	unfinished bool // unfinished lines, too
}

// blockLine is a line of a service.
type blockLine struct {
	time    int64
	line    int // index among the lines that end in the block
	text    string
	missed  int64
	matches bool
}

// decoder reads the lines of pages.
type decoder struct {
	window
	tuned bool // match is, for the service
	lines []blockLine
}

// page returns the selected lines of a page, in order.
func (d *decoder) page(p page, text []byte) []blockLine {
	d.lines = nil
	var all string // the whole page, shared by its lines
	var open []openLine
	search, mayMiss := d.search(text)
	mayMiss = mayMiss || d.mark
	if !mayMiss && search.from(0) == len(text) {
		if !p.segment.hasMore(text) {
			return nil
		}
		mayMiss = true // in lines that span blocks
	}
	for pos := 0; ; {
		h, ok := parseHeader(text[min(pos, len(text)):], p.segment.number)
		if !ok || h.time > d.until {
			break
		}
		start := pos + headerLen
		end := min(start+int(h.length), len(text)) // less only in a truncated file
		block := text[start:end]
		at := pos
		pos = start + int(h.length)
		if h.flags&flagGap != 0 {
			d.add(h, 0, string(block), int64(h.back), false)
			continue
		}
		var first []byte // the beginning of the first line
		if h.flags&flagContinues != 0 {
			open, first = takeOpen(open, h.stream)
			if first == nil {
				first = p.segment.lineFrom(p.pos+int64(at)-int64(h.back), p.pos+int64(at), h.stream)
			}
		}
		index := 0
		if first != nil {
			n := bytes.IndexByte(block, '\n')
			if n < 0 && h.flags&flagOpen != 0 {
				open = append(open, openLine{h, 0, append(first, block...)})
				continue
			}
			if n < 0 {
				n = len(block)
			}
			d.join(h, 0, append(first, block[:n]...))
			index = 1
			block = block[min(n+1, len(block)):]
			start = end - len(block)
		}
		if h.flags&flagOpen != 0 {
			whole := bytes.LastIndexByte(block, '\n') + 1
			rest := block[whole:]
			block = block[:whole]
			open = append(open, openLine{h, index + bytes.Count(block, newline), bytes.Clone(rest)})
		}
		if len(block) == 0 || d.tooEarly(h) || !mayMiss && search.from(start) >= end {
			continue
		}
		if (d.match == nil || d.mark) && all == "" {
			all = string(text)
		}
		d.block(h, index, block, all, start)
	}
	if d.unfinished {
		for _, o := range open {
			d.join(o.header, o.index, o.text)
		}
		slices.SortStableFunc(d.lines, func(a, b blockLine) int { return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.line, b.line)) })
	}
	return d.lines
}

// hasMore reports whether a page may have gaps, or lines that span blocks, in which
// a search may miss matches.
func (s *segment) hasMore(text []byte) bool {
	order := binary.LittleEndian
	for pos := 0; pos+headerLen <= len(text); {
		b := text[pos : pos+headerLen]
		if order.Uint32(b) != magic || order.Uint32(b[16:]) != s.number {
			return false
		}
		end := pos + headerLen + int(order.Uint32(b[20:]))
		if order.Uint16(b[30:]) != 0 || end > len(text) {
			return true
		}
		pos = end
	}
	return false
}

const escape = '\x1b'

// openLine is a line that a block leaves unfinished.
type openLine struct {
	header header
	index  int
	text   []byte
}

func takeOpen(open []openLine, stream uint16) ([]openLine, []byte) {
	for i, o := range open {
		if o.header.stream == stream {
			return slices.Delete(open, i, i+1), o.text
		}
	}
	return open, nil
}

// lineFrom returns the beginning of a line: the text from the block at position
// from up to the block at position to. It is never nil.
func (s *segment) lineFrom(from, to int64, stream uint16) []byte {
	line := []byte{}
	if from < 0 || from >= to || to-from > 4*MaxLine {
		return line
	}
	buf := make([]byte, to-from)
	n, _ := s.file.ReadAt(buf, from)
	buf = buf[:n]
	for pos := 0; pos < len(buf); {
		h, ok := parseHeader(buf[pos:], s.number)
		if !ok { // the next page
			pos += pageLen - int((from+int64(pos))%pageLen)
			continue
		}
		end := min(pos+headerLen+int(h.length), len(buf))
		text := buf[min(pos+headerLen, end):end]
		pos = end
		if h.stream == stream && h.flags&flagGap == 0 {
			if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
				line, text = line[:0], text[i+1:]
			}
			line = append(line, text...)
		}
	}
	return line
}

// tooEarly reports whether all lines of a block are.
func (d *decoder) tooEarly(h header) bool { return h.time < d.since || h.time < d.after.Time }

// join adds a line that consists of several pieces, if it is selected.
func (d *decoder) join(h header, index int, text []byte) {
	matches := true
	if d.match != nil {
		matches = d.match.expression.Match(withoutColors(nil, bytes.TrimRight(text, "\r")))
	}
	if matches || d.mark {
		d.add(h, index, string(text), 0, matches)
	}
}

func (d *decoder) add(h header, index int, text string, missed int64, matches bool) {
	if h.time < d.since || h.time < d.after.Time || h.time == d.after.Time && index <= d.after.Line {
		return
	}
	if h.time == d.before.Time && index >= d.before.Line && d.before != (Cursor{}) {
		return
	}
	d.lines = append(d.lines, blockLine{h.time, index, strings.TrimRight(text, "\r"), missed, matches})
}

// block adds the selected lines of a block, whose last line may lack its newline.
// index is that of the first line. If page is not empty, the block is at start in
// it, and the lines share its memory.
func (d *decoder) block(h header, index int, block []byte, page string, start int) {
	if d.match == nil || d.mark {
		var found []int // where lines that match start
		if d.mark {
			d.match.eachMatch(block, func(from, _ int) { found = append(found, from) })
		}
		for pos, length := 0, len(block); pos < length; {
			n := bytes.IndexByte(block, '\n')
			if n < 0 {
				n = len(block)
			}
			matches := d.match == nil
			if len(found) > 0 && found[0] == pos {
				matches, found = true, found[1:]
			}
			text := ""
			if page != "" {
				text = page[start : start+n]
			} else {
				text = string(block[:n])
			}
			d.add(h, index, text, 0, matches)
			index++
			start += n + 1
			pos += n + 1
			block = block[min(n+1, len(block)):]
		}
		return
	}
	counted := 0
	d.match.eachMatch(block, func(from, to int) {
		index += bytes.Count(block[counted:from], newline)
		counted = from
		d.add(h, index, string(block[from:to]), 0, true)
	})
}

// search searches a page. mayMiss is true if it may miss matches.
func (d *decoder) search(text []byte) (s search, mayMiss bool) {
	if d.match == nil || len(d.match.literals) == 0 {
		return s, true
	}
	if !d.tuned {
		d.match, d.tuned = d.match.tuned(text[:min(len(text), sampleLen)]), true
	}
	return d.match.search(text), !d.match.exact(text)
}

// mayMatch reports whether a page may have a line that matches.
func (d *decoder) mayMatch(p page, text []byte) bool {
	s, mayMiss := d.search(text)
	return mayMiss || s.from(0) < len(text) || p.segment.hasMore(text)
}

// sampleLen is the length of the text from which a search learns which bytes are
// rare.
const sampleLen = 64 << 10
