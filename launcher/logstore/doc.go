// Package logstore keeps on disk what the services of a run print, and reads it
// back: by time, by service, the last lines, the lines that match, while it is
// written, and long after.
//
// # Files
//
//	logs/SLOT/RUN/run.json             about the run, and how it ended
//	logs/SLOT/RUN/lock                 held as long as the run records
//	logs/SLOT/RUN/head                 the time up to which everything is readable: 8 bytes
//	logs/SLOT/RUN/SERVICE-NNNNNNNN.seg a segment of what a service printed
//	logs/SLOT/RUN/cleared              if there, lines up to its modification time count as removed
//
// SLOT stands for a checkout, RUN is the time at which the run began. Folders
// have the mode 0700, files 0600.
//
// A segment has up to 40 pages of 256 KiB. A page has blocks, the first at its
// start, each a header of 32 bytes and text:
//
//	 0  uint32  magic, written last
//	 4  uint32  checksum of the header from byte 8 on
//	 8  int64   time in ns since 1970; each block of a run has a later one
//	16  uint32  number of the segment
//	20  uint32  length of the text
//	24  uint32  how far before this header the block lies that the first line
//	            begins in, or, of a gap, how many lines are missing
//	28  uint16  number of the process whose output it is, within the service
//	30  uint16  flags: 1 the first line continues that of an earlier block,
//	            2 the last line continues in a later one, 4 a gap
//
// Numbers are little-endian. The text of a gap is the reason for it. No index
// is apart from that: the services are files, and the first headers of the pages
// are sorted by time. A page is read without any other, but for the beginning of
// a line that spans several. What is not a block ends its page, so damage
// costs the rest of one page. Where a new segment is due and the service has
// three, it overwrites the oldest: its pages are invalidated first, and blocks
// with another segment's number count as none.
//
// # Limits
//
// A service has three segments at most, 30 MiB; a checkout its last five runs;
// a user as much as [Store] says, from which whole ended runs are removed first,
// then segments that are full, always the oldest. The segment that is being
// written is never removed. A line is cut after [MaxLine] bytes.
//
// # Failure
//
// Text is written some 25 ms after it was printed, sooner if the recorder was
// idle. That is what SIGKILL loses. Nothing is synced: a machine that loses
// power loses what its system had not written yet. While the disk is full or
// does not keep up, lines are counted instead of kept, and a gap says how many
// are missing and why. A gap at the end of a run needs room on the disk.
//
// # Concurrency properties
//
// A [Recorder] may be used by several goroutines. [Stream.Append] copies the
// text into memory, and never waits for the disk: one goroutine writes. Any
// number of processes may read, and several may record, in one checkout as well.
// A reader holds no lock and never sees half a block: it reads a page, then looks
// again whether the page still belongs to its segment. Files that are removed
// while they are read count as missing from then on.
//
// A clock that is set back: times stand still until it has caught up.
package logstore
