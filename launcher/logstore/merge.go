package logstore

import (
	"cmp"
	"container/heap"
	"context"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

// lineBatch is what one page of a service has.
type lineBatch struct {
	lines []blockLine
	bound int64 // no line of a later batch is earlier, or, in reverse, later
}

// source is a service whose lines are merged with those of others.
type source struct {
	service string
	batches chan lineBatch
	current lineBatch
	next    int // in current.lines
}

// key is the position of the next line; if that is not known, the bound.
func (s *source) key() (at int64, line int, known bool) {
	if s.next < len(s.current.lines) {
		l := s.current.lines[s.next]
		return l.time, l.line, true
	}
	return s.current.bound, 0, false
}

// sources is a heap of them.
type sources struct {
	all     []*source
	reverse bool
}

func (s *sources) Len() int      { return len(s.all) }
func (s *sources) Swap(i, j int) { s.all[i], s.all[j] = s.all[j], s.all[i] }
func (s *sources) Push(any)      { panic("all are there from the start") }
func (s *sources) Less(i, j int) bool {
	a, aLine, aKnown := s.all[i].key()
	b, bLine, bKnown := s.all[j].key()
	order := cmp.Or(cmp.Compare(a, b), cmp.Compare(aLine, bLine))
	if s.reverse {
		order = -order
	}
	return order < 0 || order == 0 && !aKnown && bKnown // load the batch of a first
}

func (s *sources) Pop() any {
	last := s.all[len(s.all)-1]
	s.all = s.all[:len(s.all)-1]
	return last
}

// merge calls emit with the lines of all services in order, or in reverse.
func (r *queryReader) merge(ctx context.Context, w window, reverse bool, emit func(Line) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel(nil)
	tokens := make(chan struct{}, runtime.GOMAXPROCS(0))
	all := sources{reverse: reverse}
	for service, numbers := range segmentsOf(r.run.path) {
		if len(r.query.Services) > 0 && !slices.Contains(r.query.Services, service) {
			continue
		}
		list, files := pages(r.run.path, service, numbers, max(w.since, w.after.Time), w.until)
		s := &source{service: service, batches: make(chan lineBatch, 1)}
		if len(list) > 0 {
			s.current.bound = list[0].time
			if reverse {
				s.current.bound = w.until
			}
			all.all = append(all.all, s)
		}
		var near *contextLines
		if w.mark {
			near = r.contextOf(service)
		}
		workers.Go(func() {
			defer closeAll(files)
			r.readPages(ctx, w, list, near, reverse, tokens, s.batches)
		})
	}
	heap.Init(&all)
	for len(all.all) > 0 {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		s := all.all[0]
		if s.next == len(s.current.lines) {
			batch, ok := <-s.batches
			if !ok {
				heap.Pop(&all)
				continue
			}
			s.current, s.next = batch, 0
			heap.Fix(&all, 0)
			continue
		}
		l := s.current.lines[s.next]
		s.next++
		err := emit(Line{
			Service: s.service, Time: time.Unix(0, l.time), Text: l.text, Missed: l.missed, Context: !l.matches && l.missed == 0,
			Cursor: Cursor{r.run.Name(), l.time, l.line},
		})
		if err != nil {
			return err
		}
		heap.Fix(&all, 0)
	}
	return context.Cause(ctx)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

var buffers = sync.Pool{New: func() any { return new([pageLen]byte) }}

// readPages sends what is wanted of pages, and closes batches. With near, it also
// sends the lines near those that match.
func (r *queryReader) readPages(ctx context.Context, w window, list []page, near *contextLines, reverse bool, tokens chan struct{}, batches chan<- lineBatch) {
	defer close(batches)
	d := decoder{window: w}
	for i := range list {
		n := i
		if reverse {
			n = len(list) - 1 - i
		}
		select {
		case tokens <- struct{}{}:
		case <-ctx.Done():
			return
		}
		d.unfinished = w.unfinished && n == len(list)-1
		batch := lineBatch{lines: r.readPage(&d, list[n], near, n == len(list)-1)}
		<-tokens
		switch {
		case reverse:
			slices.Reverse(batch.lines)
			batch.bound = list[n].time
		case near != nil && n+1 < len(list):
			batch.bound = list[n].time // the last lines may follow with the next page
		case n+1 < len(list):
			batch.bound = list[n+1].time
		default:
			batch.bound = w.until
		}
		select {
		case batches <- batch:
		case <-ctx.Done():
			return
		}
	}
}

func (r *queryReader) readPage(d *decoder, p page, near *contextLines, last bool) []blockLine {
	buf := buffers.Get().(*[pageLen]byte)
	defer buffers.Put(buf)
	text := p.read(buf[:])
	if r.query.Progress != nil {
		r.query.Progress.Add(int64(len(text)))
	}
	if near != nil {
		return near.page(d, p, text, last)
	}
	return d.page(p, text)
}
