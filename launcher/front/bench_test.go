package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/launcher/control"
)

// BenchmarkForward compares the front with a ReverseProxy of the same settings
// that forwards everything to one address, in alternating rounds: requests of 32
// clients, of one, and large bodies.
func BenchmarkForward(b *testing.B) {
	f, own, web := startSite(b)
	plain := freePort(b)
	reference := startProcess(b, "plain", fmt.Sprintf("127.0.0.1:%d", plain), fmt.Sprintf("FRONT_TEST_PLAIN=127.0.0.1:%d", web.Port))
	for _, bench := range []struct {
		name    string
		clients int
		path    string
	}{
		{"32 clients", 32, "/"},
		{"1 client", 1, "/"},
		{"1 MiB", 4, "/bytes"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var ratios, added, cpu []float64
			for i := 0; b.Loop(); i++ {
				const round = 150 * time.Millisecond
				first, second := reference.cpu(), own.cpu()
				var rate, ownRate float64
				var p50, ownP50 time.Duration
				for turn := range 2 { // each is first in every second round
					if (i+turn)%2 == 0 {
						rate, p50 = load(b, plain, bench.clients, bench.path, round)
					} else {
						ownRate, ownP50 = load(b, f.port, bench.clients, bench.path, round)
					}
				}
				ratios = append(ratios, ownRate/rate)
				added = append(added, float64(ownP50-p50)/1e3)
				cpu = append(cpu, (own.cpu()-second)/ownRate/((reference.cpu()-first)/rate))
			}
			b.ReportMetric(median(ratios), "of-plain")
			b.ReportMetric(median(added), "µs-added-p50")
			b.ReportMetric(median(cpu), "of-plain-cpu")
		})
	}
	b.Run("1 client, direct", func(b *testing.B) {
		var added []float64
		for b.Loop() {
			_, direct := load(b, web.Port, 1, "/", 300*time.Millisecond)
			_, own := load(b, f.port, 1, "/", 300*time.Millisecond)
			added = append(added, float64(own-direct)/1e3)
		}
		b.ReportMetric(median(added), "µs-added-p50")
	})
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// cpu is the processor time of a process, in seconds.
func (p backendProcess) cpu() float64 {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.pid))
	total := 0.0
	for _, task := range tasks {
		stat, _ := os.ReadFile(task)
		var ns float64
		_, _ = fmt.Sscan(string(stat), &ns)
		total += ns / 1e9
	}
	return total
}

// frontMain is a front, in a process of its own.
func frontMain(home string) {
	port, _ := strconv.Atoi(os.Args[1])
	place := NewPlace(control.NewRuns(home, ""))
	release, err := place.Claim()
	listeners, failed := ListenPort(port)
	socket, refused := place.Listen(port)
	if err := errors.Join(err, failed, refused); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println("ready")
	Serve(context.Background(), Options{Listeners: listeners, Port: port, Socket: socket, Idle: time.Minute}, func() { _ = release() })
}

// plainMain is a ReverseProxy, in a process of its own.
func plainMain() {
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	backend := os.Getenv("FRONT_TEST_PLAIN")
	server := http.Server{Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", backend
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256, ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10},
		FlushInterval: -1, BufferPool: &buffers{},
	}}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println("ready")
	_ = server.Serve(l)
}

// load sends requests over kept connections for a while. It returns how many a
// second were answered, and the median time of one.
func load(b *testing.B, port, clients int, path string, round time.Duration) (rate float64, p50 time.Duration) {
	transport := &http.Transport{
		MaxIdleConnsPerHost: clients, DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		},
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	var mu sync.Mutex
	var times []time.Duration
	var done sync.WaitGroup
	end := time.Now().Add(round)
	for range clients {
		done.Go(func() {
			var own []time.Duration
			for {
				began := time.Now()
				if began.After(end) {
					break
				}
				response, err := client.Get("http://web.shop.localhost" + path)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				own = append(own, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			times = append(times, own...)
		})
	}
	done.Wait()
	if len(times) == 0 {
		b.Fatal("no request")
	}
	slices.Sort(times)
	return float64(len(times)) / round.Seconds(), times[len(times)/2]
}
