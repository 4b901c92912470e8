package output

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// BenchmarkLines measures four services that print as fast as they can; one
// operation is one line of 60 bytes.
func BenchmarkLines(b *testing.B) {
	b.Run("devnull", func(b *testing.B) {
		w, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer w.Close()
		benchmarkLines(b, w, Style{}, nil)
	})
	b.Run("devnull_kept", func(b *testing.B) {
		w, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer w.Close()
		benchmarkLines(b, w, Style{}, &Tail{})
	})
	b.Run("devnull_color_timestamps", func(b *testing.B) {
		w, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer w.Close()
		benchmarkLines(b, w, Style{Colors: []string{"36", "33"}, Timestamps: true}, nil)
	})
	b.Run("pipe", func(b *testing.B) {
		r, w := pipe(b)
		read := make(chan struct{})
		go func() {
			defer close(read)
			buf := make([]byte, 1<<20)
			for {
				if _, err := r.Read(buf); err != nil {
					return
				}
			}
		}()
		benchmarkLines(b, w, Style{Printable: true, Pipe: true}, nil)
		w.Close()
		<-read
	})
}

func benchmarkLines(b *testing.B, w io.Writer, style Style, tail *Tail) {
	const services = 4
	line := strings.Repeat("x", 59) + "\n"
	block := bytes.Repeat([]byte(line), 1000)
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	m := New(w, style, "auth", "db", "docs", "web")
	m.Keep(tail)
	var writers sync.WaitGroup
	for i := range services {
		lines := b.N / services
		if i == 0 {
			lines += b.N % services
		}
		source := copying(b, m, []string{"auth", "db", "docs", "web"}[i])
		writers.Go(func() {
			for lines > 0 {
				n := min(lines, 1000)
				if _, err := source.Write(block[:n*len(line)]); err != nil {
					b.Error(err)
				}
				lines -= n
			}
			source.Close()
		})
	}
	writers.Wait()
	if err := m.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
}

// BenchmarkEmit measures the cost of one line without system calls.
func BenchmarkEmit(b *testing.B) {
	for _, length := range []int{10, 60, 1000} {
		b.Run(fmt.Sprint(length), func(b *testing.B) {
			line := strings.Repeat("x", length-1) + "\n"
			block := bytes.Repeat([]byte(line), maxBuffer/length)
			s := New(io.Discard, Style{}, "auth").Stream("auth")
			b.ReportAllocs()
			b.SetBytes(int64(length))
			for done := 0; done < b.N; {
				n := min(b.N-done, maxBuffer/length)
				s.emit(block[:n*length])
				done += n
			}
		})
	}
}

// BenchmarkLatency measures the time of one line from a quiet service's write
// to the reader, through two pipes and a goroutine that has to wake up.
func BenchmarkLatency(b *testing.B) {
	r, w := pipe(b)
	m := New(w, Style{}, "web")
	source := copying(b, m, "web")
	buf := make([]byte, 1024)
	line := []byte("one line\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := source.Write(line); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
	source.Close()
	if err := m.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
