package logstore

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// keptSegments is the maximum number of segments of a service.
const keptSegments = 3

// write writes pending text until recording ends.
func (r *Recorder) write() {
	defer close(r.done)
	never := make(<-chan time.Time)
	for r.await(1, never) {
		r.flush()
		if !r.await(flushAt, time.After(flushDelay)) {
			break
		}
	}
	r.finish()
}

// await waits until at least this many bytes are queued, or for a timeout.
// Meanwhile it serves Sync. It returns false when recording ends.
func (r *Recorder) await(bytes int, timeout <-chan time.Time) bool {
	r.mu.Lock()
	enough := r.queued >= bytes
	if !enough {
		r.wakeAt = bytes
	}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.wakeAt = 0
		select {
		case <-r.wake: // after the timeout
		default:
		}
	}()
	for !enough {
		select {
		case <-r.trimDue:
			r.trim()
		case <-r.wake:
			return true
		case <-timeout:
			return true
		case written := <-r.syncs:
			r.flush()
			close(written)
		case <-r.stop:
			return false
		}
	}
	for {
		select {
		case written := <-r.syncs: // there may always be enough
			r.flush()
			close(written)
		case <-r.stop:
			return false
		default:
			return true
		}
	}
}

// Sync waits until all text appended so far can be read. The error says why it
// cannot be, or is ctx's.
func (r *Recorder) Sync(ctx context.Context) error {
	written := make(chan struct{})
	select {
	case r.syncs <- written:
	case <-r.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-written:
	case <-r.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// batch is the pending text of a service.
type batch struct {
	service *service
	chunks  []chunk
}

// trimSoon trims the store after trimDelay.
func (r *Recorder) trimSoon() {
	if r.trimDue == nil {
		r.trimDue = time.After(trimDelay)
	}
}

func (r *Recorder) trim() {
	r.trimDue = nil
	r.store.trim()
}

// flush writes all pending text.
func (r *Recorder) flush() {
	select {
	case <-r.trimDue: // await may never wait
		r.trim()
	default:
	}
	r.mu.Lock()
	var batches []batch
	taken := 0
	for _, s := range r.order {
		if len(s.chunks) == 0 {
			continue
		}
		batches = append(batches, batch{s, s.chunks})
		for _, c := range s.chunks {
			taken += c.length
		}
		s.chunks = nil
	}
	upTo := r.last
	r.queued, r.writing = r.queued-taken, taken
	r.copies.Release()
	r.copies = nil
	r.mu.Unlock()
	if len(batches) == 0 {
		return
	}
	err := r.create()
	for _, b := range batches {
		for i := range b.chunks {
			c := &b.chunks[i]
			if err == nil {
				err = r.writeChunk(b.service, c)
			}
			if err != nil {
				r.drop(b.service, b.chunks[i:], err)
				break
			}
			c.release()
			r.wrote(c.length)
		}
	}
	r.mu.Lock()
	r.writing = 0
	r.failed = cause(err)
	if err != nil {
		r.retry = time.Now().Add(retryDelay)
	}
	r.mu.Unlock()
	r.wrote(0)
	if err != nil {
		r.report(err)
	}
	if r.head != nil {
		_, _ = r.head.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(upTo)), 0)
	}
}

// wrote accounts for n pending bytes that have been written, and wakes the
// goroutines that wait for room.
func (r *Recorder) wrote(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writing -= n
	r.waitBudget = min(maxWait, r.waitBudget+time.Duration(n)*time.Second/minSpeed)
	if r.written != nil {
		close(r.written)
		r.written = nil
	}
}

// report reports the first failure.
func (r *Recorder) report(err error) {
	if !r.reported && r.failure != nil {
		r.failure(err)
	}
	r.reported = true
}

// drop drops and counts the lines of chunks that could not be written and of all
// that follow. The next block takes their position.
func (r *Recorder) drop(s *service, chunks []chunk, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.segment, s.pos = chunks[0].segment, chunks[0].pos
	for i := range chunks {
		s.lost += chunks[i].lines()
		chunks[i].release()
	}
	for i := range s.chunks {
		s.lost += s.chunks[i].lines()
		r.queued -= s.chunks[i].length
		s.chunks[i].release()
	}
	s.chunks = nil
	s.lose(0, cause(err))
}

// cause is an error without the path of the file.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// writeChunk writes a part of a page, and its first bytes last: readers ignore it
// until it is complete.
func (r *Recorder) writeChunk(s *service, c *chunk) error {
	if err := r.open(s, c.segment); err != nil {
		return err
	}
	const commit = 4
	first := c.parts[0]
	c.parts[0] = first[commit:]
	err := writeParts(s.file, c.parts, int64(c.pos+commit))
	c.parts[0] = first
	if err == nil {
		_, err = s.file.WriteAt(first[:commit], int64(c.pos))
	}
	return err
}

// open opens the file of a segment for writing. If the service has its maximum
// of segments, it reuses the oldest.
func (r *Recorder) open(s *service, number uint32) (err error) {
	if s.file != nil && s.fileOf == number {
		return nil
	}
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
	path := filepath.Join(r.path, segmentName(s.name, number))
	if len(s.segments) >= keptSegments {
		oldest := filepath.Join(r.path, segmentName(s.name, s.segments[0]))
		s.segments = s.segments[1:]
		if s.file, err = recycle(oldest, path, s.pages); err != nil {
			_ = os.Remove(oldest)
		}
	}
	if s.file == nil {
		if len(s.segments) > 0 {
			r.trim()
		} else { // many services print their first line at the same time
			r.trimSoon()
		}
		if s.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return err
		}
	}
	s.fileOf = number
	s.segments = append(s.segments, number)
	return nil
}

// recycle turns the oldest segment into a new one, which is several times faster
// than writing a new file.
func recycle(oldest, path string, pages int) (*os.File, error) {
	f, err := os.OpenFile(oldest, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	for page := range pages {
		if _, err = f.WriteAt(make([]byte, headerLen), int64(page)*pageLen); err != nil {
			break
		}
	}
	if err == nil {
		err = os.Rename(oldest, path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// finish writes the rest, with the last gaps and the end of the run.
func (r *Recorder) finish() {
	r.mu.Lock()
	now := time.Now()
	for _, s := range r.order {
		if s.lost > 0 {
			(&Stream{recorder: r, service: s, epoch: -1}).putGap(now)
		}
	}
	r.mu.Unlock()
	r.flush()
	for _, s := range r.order {
		if s.file != nil {
			s.file.Close()
		}
	}
	if r.trimDue != nil && slices.ContainsFunc(r.order, func(s *service) bool { return s.file != nil }) {
		r.trim()
	}
	if r.path == "" {
		return
	}
	_ = r.writeEnd()
	r.head.Close()
	_ = r.release()
}

// writeEnd records how the run ended; on a full disk in the space that the file
// has.
func (r *Recorder) writeEnd() error {
	about := recorded{r.about, r.ended}
	err := writeAbout(r.path, about)
	if err == nil {
		return nil
	}
	text, _ := json.Marshal(about)
	f, failed := os.OpenFile(filepath.Join(r.path, aboutFile), os.O_WRONLY, 0)
	if failed != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(text, 0) // it is longer than what is there
	return err
}

// End writes the rest and how the run ended, and ends the recording. It waits at
// most until ctx is done. A nil Recorder does nothing.
func (r *Recorder) End(ctx context.Context, end End) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	again := r.closed
	r.closed = true
	if !again {
		r.ended = end
	}
	r.mu.Unlock()
	if !again {
		close(r.stop)
	}
	select {
	case <-r.done:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}
