package portserver

import (
	"slices"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/process"
)

// record is the last assignment of a port.
type record struct {
	port  int
	owner process.ID
	since int64 // Unix time
}

// candidate is a port of the pool, with its last assignment. The zero owner
// means that there was none.
type candidate struct {
	record
	claimed bool // a request is examining it
}

// queue is the pool. As a ring buffer, it moves a candidate to the end by
// advancing. The Server's mutex guards it.
type queue struct {
	ring []candidate
	next int // the front
}

// newQueue returns pool as a queue, from the highest port down.
func newQueue(pool allocator.Set) queue {
	ring := make([]candidate, 0, pool.Len())
	for port := range pool.All() {
		ring = append(ring, candidate{record: record{port: port}})
	}
	slices.Reverse(ring)
	return queue{ring: ring}
}

// restore adopts the records of an earlier server, oldest first, and continues
// after the last of them. It ignores ports that are not in the pool.
func (q *queue) restore(records []record) {
	places := make(map[int]int, len(q.ring))
	for i, c := range q.ring {
		places[c.port] = i
	}
	for _, r := range records {
		if i, ok := places[r.port]; ok {
			q.ring[i].record = r
			q.next = (i + 1) % len(q.ring)
		}
	}
}

// records returns the records for restore.
func (q *queue) records() []record {
	var records []record
	for _, part := range [][]candidate{q.ring[q.next:], q.ring[:q.next]} {
		for _, c := range part {
			if c.owner != (process.ID{}) {
				records = append(records, c.record)
			}
		}
	}
	return records
}

// advance moves the candidate at the front to the end and returns it.
func (q *queue) advance() *candidate {
	c := &q.ring[q.next]
	q.next = (q.next + 1) % len(q.ring)
	return c
}
