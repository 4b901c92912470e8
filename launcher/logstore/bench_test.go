//go:build unix

package logstore

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/launcher/output"
)

var storeSize = flag.Int("store", 1000, "size of the store that is searched, in MB")

// fill records 50 services that print about size bytes in all, in blocks of about
// 1,000 lines, as from a busy service, or with fine of 2.
func fill(b *testing.B, size int, fine bool) Run {
	b.Helper()
	s := New(b.TempDir(), 1<<40)
	r := begin(b, s, "a")
	var streams []*Stream
	for i := range 50 {
		streams = append(streams, r.Stream(fmt.Sprintf("service%d", i)))
	}
	count := 1000
	if fine {
		count = 2
	}
	for n, total := 0, 0; total < size; n++ {
		var block []byte
		for i := range count {
			block = fmt.Appendf(block, "2026-01-02T15:04:05.678Z INFO request handled method=GET path=/api/items/%d status=200 took=%dms\n", n*count+i, n%97)
		}
		if total == 0 {
			block = append(block, "the oldest needle\n"...)
		}
		total += len(block)
		if total >= size {
			block = append(block, "the newest needle\n"...)
		}
		streams[n%50].Append(block)
	}
	end(b, r)
	return latest(b, s, "a")
}

func BenchmarkSearch(b *testing.B) {
	for _, fine := range []bool{false, true} {
		run := fill(b, *storeSize*1_000_000, fine)
		for _, c := range []struct {
			name, expression string
			fold             bool
			last, context    int
		}{
			{"newest", "newest needle", false, 1, 0},
			{"tail", "", false, 10, 0},
			{"all_literal", "needle", false, -1, 0},
			{"all_3bytes", "eed", false, -1, 0},
			{"all_regexp_literal", `old\w+ need`, false, -1, 0},
			{"all_near", `old\w+ need`, false, -1, 2},
			{"all_either", "needle|no such", false, -1, 0},
			{"all_fold", "NEEDLE", true, -1, 0},
			{"all_hits_1percent", "took=13ms", false, -1, 0},
		} {
			b.Run(fmt.Sprintf("fine=%v/%s", fine, c.name), func(b *testing.B) {
				q := Query{Last: c.last, Context: c.context}
				if c.expression != "" {
					q.Match, _ = NewMatcher(c.expression, c.fold)
				}
				hits, before := 0, cpuTime()
				for b.Loop() {
					hits = len(read(b, run, q))
				}
				b.ReportMetric(float64(hits), "hits")
				b.ReportMetric(float64((cpuTime()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkRecord measures what recording adds to the output of four services
// that print lines of 60 bytes as fast as they can; one operation is a line.
func BenchmarkRecord(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprint(on), func(b *testing.B) {
			s := New(b.TempDir(), DefaultLimit)
			var r *Recorder
			if on {
				r = begin(b, s, "a")
			}
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer null.Close()
			m := output.New(null, output.Style{}, "a", "b", "c", "d")
			if on {
				m.Record(func(name string) output.Recording { return r.Stream(name) })
			}
			line := append(bytes.Repeat([]byte{'x'}, 59), '\n')
			block := bytes.Repeat(line, 1000)
			var writers sync.WaitGroup
			before := cpuTime()
			for _, name := range []string{"a", "b", "c", "d"} {
				read, write, err := os.Pipe()
				if err != nil {
					b.Fatal(err)
				}
				stream := m.Stream(name)
				go stream.Copy(io.Reader(read))
				writers.Go(func() {
					for n := b.N / 4; n > 0; n -= 1000 {
						if _, err := write.Write(block[:min(n, 1000)*60]); err != nil {
							b.Error(err)
						}
					}
					write.Close()
				})
			}
			writers.Wait()
			if err := m.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
			if on {
				end(b, r)
			}
			b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/float64(b.N), "cpu-ns/line")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
			if on {
				var missed int64
				none, _ := NewMatcher("no such text", false)
				for _, l := range read(b, latest(b, s, "a"), Query{Last: -1, Match: none}) {
					missed += l.Missed
				}
				b.ReportMetric(float64(missed)/float64(b.N)*100, "%missing")
			}
		})
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
