package logstore

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

const (
	headerLen    = 32
	pageLen      = 256 << 10
	segmentPages = 40
	segmentLen   = segmentPages * pageLen

	// minPiece is the minimum part of a line at the end of a page.
	minPiece = 8 << 10

	magic = 0x316c7064 // "dpl1"
)

// MaxLine is the maximum length of a line, in bytes. Longer lines are split.
const MaxLine = 1 << 20

// earlyEnd returns the page at which a segment of this many pages may end: it
// ends there or later, once no line is unfinished. A line of MaxLine fits
// between that page and the end of the segment.
func earlyEnd(pages int) int { return pages - MaxLine/pageLen - 1 }

const (
	flagContinues = 1 << iota // the first line began in an earlier block
	flagOpen                  // the last line continues in a later block
	flagGap                   // lines are missing
)

// header is the header of a block.
type header struct {
	time    int64
	segment uint32
	length  uint32
	back    uint32
	stream  uint16
	flags   uint16
}

// appendTo appends the encoded header.
func (h header) appendTo(dst []byte) []byte {
	start := len(dst)
	order := binary.LittleEndian
	dst = order.AppendUint32(dst, magic)
	dst = order.AppendUint32(dst, 0)
	dst = order.AppendUint64(dst, uint64(h.time))
	dst = order.AppendUint32(dst, h.segment)
	dst = order.AppendUint32(dst, h.length)
	dst = order.AppendUint32(dst, h.back)
	dst = order.AppendUint16(dst, h.stream)
	dst = order.AppendUint16(dst, h.flags)
	order.PutUint32(dst[start+4:], checksum(dst[start:]))
	return dst
}

// parseHeader reads the header of a block of a segment. ok is false for anything
// else.
func parseHeader(b []byte, segment uint32) (h header, ok bool) {
	if len(b) < headerLen {
		return h, false
	}
	order := binary.LittleEndian
	h = header{
		time: int64(order.Uint64(b[8:])), segment: order.Uint32(b[16:]), length: order.Uint32(b[20:]),
		back: order.Uint32(b[24:]), stream: order.Uint16(b[28:]), flags: order.Uint16(b[30:]),
	}
	ok = order.Uint32(b) == magic && h.segment == segment && h.length <= pageLen-headerLen && order.Uint32(b[4:]) == checksum(b)
	return h, ok
}

// checksum is that of an encoded header.
func checksum(b []byte) uint32 {
	sum := uint64(magic)
	for i := 8; i < headerLen; i += 8 {
		sum = (sum ^ binary.LittleEndian.Uint64(b[i:])) * 0x9e3779b97f4a7c15
		sum ^= sum >> 29
	}
	return uint32(sum >> 32)
}

const segmentSuffix = ".seg"

// segmentName is the name of the file of a segment.
func segmentName(service string, number uint32) string {
	return fmt.Sprintf("%s-%08d%s", service, number, segmentSuffix)
}

// parseSegmentName is the inverse of segmentName.
func parseSegmentName(name string) (service string, number uint32, ok bool) {
	name, ok = strings.CutSuffix(name, segmentSuffix)
	i := strings.LastIndexByte(name, '-')
	if !ok || i < 1 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(name[i+1:], 10, 32)
	return name[:i], uint32(n), err == nil
}
