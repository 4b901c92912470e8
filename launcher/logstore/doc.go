// Package logstore stores the output of services on disk and reads it: by time, by
// service, the last lines, or matching lines, of a current run and of earlier
// ones.
//
// # Files
//
//	logs/SLOT/RUN/run.json             about the run, and how it ended
//	logs/SLOT/RUN/lock                 held while the run records
//	logs/SLOT/RUN/head                 8 bytes: the time up to which all output is readable
//	logs/SLOT/RUN/SERVICE-NNNNNNNN.seg a segment of the output of a service
//	logs/SLOT/RUN/cleared              if it exists, readers skip lines up to its modification time
//
// SLOT identifies a checkout, RUN is the time at which the run started. Directories
// have mode 0700, files 0600.
//
// A segment has up to 40 pages of 256 KiB. A page has blocks, the first at its
// start, each a header of 32 bytes and text:
//
//	 0  uint32  magic, written last
//	 4  uint32  checksum of the header from byte 8 on
//	 8  int64   time in ns since 1970; each block of a run has a later one
//	16  uint32  number of the segment
//	20  uint32  length of the text
//	24  uint32  distance back to the block in which the first line begins; in
//	            a gap, the number of missing lines
//	28  uint16  number of the process within the service
//	30  uint16  flags: 1 the first line continues that of an earlier block,
//	            2 the last line continues in a later one, 4 a gap
//
// Numbers are little-endian. The text of a gap is its reason. The format contains
// its index: each service has its own files, and the first headers of the pages
// are sorted by time. A reader needs no other page to read one, except for the
// beginning of a line that spans several. Anything that is not a block ends its
// page, so damage costs at most the rest of one page. If a service needs a fourth
// segment, it overwrites the oldest: it invalidates the pages first, and readers
// ignore blocks with the number of another segment.
//
// # Limits
//
// A service has at most three segments, 30 MiB. A checkout has its last five runs.
// Beyond the size limit of the [Store], the oldest ended runs are removed first,
// then the oldest full segments. The segment that is being written is never
// removed. Lines are split after [MaxLine] bytes.
//
// # Failure
//
// Text is written at most about 25 ms after it was printed, at once if the
// recorder was idle. SIGKILL loses what was not written yet. Nothing is synced:
// a power failure loses what the system had not written to the disk. While the
// disk is full or writes less than 10 MB a second, lines are dropped and
// counted; a gap then records the number and the reason, once there is space
// for it.
//
// # Concurrency properties
//
// A [Recorder] may be used by several goroutines. One goroutine writes, from
// the memory into which the text was read if that can be kept. [Stream.Record]
// waits for it only while 4 MiB are pending: for up to half a second, and then
// only as long as the disk writes at least 10 MB a second. Any number of
// processes may read, and several may record, even in the same checkout. A
// reader holds no lock and never sees half a block: it reads a page, then
// checks that the page still belongs to its segment. Files that are removed
// meanwhile are skipped.
//
// If the clock is set back, times stand still until it has caught up.
package logstore
