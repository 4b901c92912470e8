// Prefixer is the least that a launcher can do with output, for comparison: it
// starts a command several times and copies what the copies print behind their
// names, whole lines, in blocks of 64 KiB.
//
//	prefixer COPIES COMMAND [ARG…]
//	prefixer print LINES N     prints lines of 60 bytes, N at a time
//	prefixer pace LINES N      the same, N each millisecond
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

const blockSize = 64 << 10

func main() {
	switch os.Args[1] {
	case "print":
		printLines(number(os.Args[2]), number(os.Args[3]), 0)
		return
	case "pace":
		printLines(number(os.Args[2]), number(os.Args[3]), time.Millisecond)
		return
	}
	var output sync.Mutex
	var running sync.WaitGroup
	for i := range number(os.Args[1]) {
		cmd := exec.Command(os.Args[2], os.Args[3:]...)
		stdout, err := cmd.StdoutPipe()
		check(err)
		check(cmd.Start())
		running.Go(func() {
			prefix(stdout, fmt.Appendf(nil, "s%-7d | ", i), &output)
			check(cmd.Wait())
		})
	}
	running.Wait()
}

// prefix copies whole lines from r to standard output.
func prefix(r io.Reader, name []byte, output *sync.Mutex) {
	in, out := make([]byte, blockSize), make([]byte, 0, 2*blockSize)
	for held := 0; ; {
		n, err := r.Read(in[held:])
		lines := in[:held+n]
		out = out[:0]
		for {
			end := bytes.IndexByte(lines, '\n') + 1
			if end == 0 {
				break
			}
			out = append(append(out, name...), lines[:end]...)
			lines = lines[end:]
		}
		held = copy(in, lines)
		output.Lock()
		_, werr := os.Stdout.Write(out)
		output.Unlock()
		check(werr)
		if err != nil {
			return
		}
	}
}

func printLines(n, atOnce int, interval time.Duration) {
	block := bytes.Repeat(append(bytes.Repeat([]byte{'x'}, 59), '\n'), atOnce)
	for next := time.Now(); n > 0; n -= atOnce {
		if interval > 0 {
			time.Sleep(time.Until(next))
			next = next.Add(interval)
		}
		_, err := os.Stdout.Write(block[:min(n, atOnce)*60])
		check(err)
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "prefixer:", err)
		os.Exit(1)
	}
}
