package front

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkForward compares the front with a ReverseProxy of the same settings
// that forwards everything to one address, in alternating rounds: requests of 32
// clients, of one, and large bodies.
func BenchmarkForward(b *testing.B) {
	f, _, _, web := newSite(b, "127.0.0.1:%d")
	plain := newPlain(b, web.Port)
	for _, bench := range []struct {
		name    string
		clients int
		path    string
	}{
		{"32 clients", 32, "/status/200"},
		{"1 client", 1, "/status/200"},
		{"1 MiB", 4, "/bytes"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var ratios, added []float64
			for b.Loop() {
				const round = 300 * time.Millisecond
				reference, p50 := load(b, plain, bench.clients, bench.path, round)
				rate, own := load(b, f.port, bench.clients, bench.path, round)
				ratios = append(ratios, rate/reference)
				added = append(added, float64(own-p50)/1e3)
			}
			slices.Sort(ratios)
			slices.Sort(added)
			b.ReportMetric(ratios[len(ratios)/2], "of-plain")
			b.ReportMetric(added[len(added)/2], "µs-added-p50")
		})
	}
	b.Run("1 client, direct", func(b *testing.B) {
		var added []float64
		for b.Loop() {
			_, direct := load(b, web.Port, 1, "/status/200", 300*time.Millisecond)
			_, own := load(b, f.port, 1, "/status/200", 300*time.Millisecond)
			added = append(added, float64(own-direct)/1e3)
		}
		slices.Sort(added)
		b.ReportMetric(added[len(added)/2], "µs-added-p50")
	})
}

// newPlain starts a ReverseProxy and returns its port.
func newPlain(b *testing.B, backend int) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := http.Server{Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", fmt.Sprintf("127.0.0.1:%d", backend)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256, ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10},
		FlushInterval: -1, BufferPool: &buffers{},
	}}
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() { server.Close() })
	return l.Addr().(*net.TCPAddr).Port
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
