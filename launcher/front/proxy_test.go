package front

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
)

func TestHosts(t *testing.T) {
	f, _, _, _ := newSite(t, "127.0.0.1:%d")
	client := f.client()
	ask := func(host, accept string) (*http.Response, string) {
		r, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/", f.port), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Accept", accept)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return response, string(text)
	}
	for _, tt := range []struct {
		host, accept string
		status       int
		text, who    string
	}{
		{"web.shop.localhost", "", 200, "web GET web.shop.localhost ", "shop//web"},
		{"web.shop.localhost:1", "", 200, "web GET web.shop.localhost:1 ", "shop//web"},
		{"WEB.Shop.LOCALHOST", "", 200, "web GET WEB.Shop.LOCALHOST ", "shop//web"},
		{"web.shop.localhost.", "", 200, "web GET web.shop.localhost. ", "shop//web"},
		{"web.shop.localhost.:80", "", 200, "web GET web.shop.localhost.:80 ", "shop//web"},
		{"shop.localhost", "", 200, "web  ready", "-"},
		{"devports.localhost", "text/html", 200, `<a href="http://web.shop.localhost`, "-"},
		{"devports.localhost", "application/json", 200, `"checkouts":[{"project":"shop"`, "-"},
		{"db.shop.localhost", "", 404, "no running service of shop has the host db", "-"},
		{"web.other.localhost", "application/json", 404, `"error":"no checkout named other is running"`, "-"},
		{"other.localhost", "text/html", 404, "no checkout named other is running", "-"},
		{"a.web.shop.localhost", "", 404, "devports needs the name of a service", "-"},
		{"localhost", "", 404, "devports needs the name", "-"},
		{"127.0.0.1", "", 404, "http://devports.localhost", "-"},
		{"127.0.0.1:99", "", 404, "http://devports.localhost", "-"},
		{"[::1]", "", 404, "http://devports.localhost", "-"},
		{"[::1]:80", "", 404, "http://devports.localhost", "-"},
		{"evil.example", "application/json", 404, `{"error":"this host is not a name of devports: names end in .localhost","hints":["all checkouts`, "-"},
		{"web.shop.localhost.evil.example", "text/html", 404, "not a name of devports", "-"},
		{"10.1.2.3", "", 404, "not a name of devports", "-"},
	} {
		response, text := ask(tt.host, tt.accept)
		if response.StatusCode != tt.status || !strings.Contains(text, tt.text) || strings.Join(response.Header.Values("X-Devports"), "|") != tt.who {
			t.Errorf("%s, %s: %d %q, %s", tt.host, tt.accept, response.StatusCode, response.Header.Values("X-Devports"), text)
		}
		if strings.Contains(tt.text, "not a name") && strings.Contains(text, "shop.localhost:") {
			t.Errorf("%s: it lists checkouts", tt.host)
		}
	}
}

// raw sends bytes and returns the response up to its end, or its first bytes.
func raw(t *testing.T, port int, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(conn)
	return string(text)
}

func TestAmbiguousRequests(t *testing.T) {
	f, _, _, _ := newSite(t, "127.0.0.1:%d")
	const host = "Host: web.shop.localhost\r\nConnection: close\r\n"
	for name, tt := range map[string]struct{ request, want string }{
		"absolute form":     {"GET http://web.shop.localhost/ HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n", "200"},
		"plain":             {"GET / HTTP/1.1\r\n" + host + "\r\n", "200"},
		"chunked":           {"POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n", "200"},
		"both":              {"POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"two lengths":       {"POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", "400"},
		"equal lengths":     {"POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", "400"},
		"list of lengths":   {"POST / HTTP/1.1\r\n" + host + "Content-Length: 4, 4\r\n\r\nabcd", "400"},
		"signed length":     {"POST / HTTP/1.1\r\n" + host + "Content-Length: +4\r\n\r\nabcd", "400"},
		"fold":              {"GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", "400"},
		"bare LF":           {"GET / HTTP/1.1\r\n" + host + "X: a\nContent-Length: 3\r\n\r\nabc", "400"},
		"bare LF at end":    {"GET / HTTP/1.1\r\n" + host + "\n", "400"},
		"bare CR":           {"GET / HTTP/1.1\r\n" + host + "X: a\rY: b\r\n\r\n", "400"},
		"space before":      {"GET / HTTP/1.1\r\n" + host + "Content-Length : 3\r\n\r\nabc", "400"},
		"unknown coding":    {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400"},
		"chunked in 1.0":    {"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"chunk size":        {"POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", "400"},
		"chunk without CR":  {"POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", "400"},
		"second request":    {"POST /echo HTTP/1.1\r\nHost: web.shop.localhost\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", "400 Bad"},
		"declined upgrade":  {"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "200"},
		"empty upgrade":     {"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nUpgrade:\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\n\r\n", "200"},
		"upgrade, no token": {"GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nUpgrade: h2c\r\n\r\n", "200"},
		"CONNECT":           {"CONNECT web.shop.localhost:80 HTTP/1.1\r\n" + host + "\r\n", "405"},
		"no host":           {"GET / HTTP/1.1\r\n\r\n", "400"},
		"no host in 1.0":    {"GET / HTTP/1.0\r\n\r\n", "404"},
	} {
		response := raw(t, f.port, tt.request)
		first, _, _ := strings.Cut(response, "\r\n")
		if name == "second request" {
			first = response // the connection may end before the first response
			if strings.Count(response, "200 OK") > 1 {
				t.Errorf("%s: %s", name, response)
			}
			continue
		}
		if !strings.Contains(first, " "+tt.want) || strings.Count(response, "HTTP/1.") != 1 {
			t.Errorf("%s: %s", name, response)
		}
	}
}

// A declined upgrade ends its connection, also after an informational response:
// what follows it is not checked.
func TestDeclinedUpgradeAfterEarlyHints(t *testing.T) {
	f, _, _, _ := newSite(t, "127.0.0.1:%d")
	for path, status := range map[string]string{"/early": "200", "/early/abort": "502"} {
		response := raw(t, f.port, "GET "+path+" HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"+
			"POST / HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
		if !strings.HasPrefix(response, "HTTP/1.1 103 ") || strings.Count(response, "HTTP/1.1 ") != 2 || !strings.Contains(response, "HTTP/1.1 "+status) {
			t.Errorf("%s: %s", path, response)
		}
	}
}

func TestForwarding(t *testing.T) {
	f, r, p, web := newSite(t, "127.0.0.1:%d")
	client := f.client()
	url := fmt.Sprintf("http://web.shop.localhost:%d", f.port)
	t.Run("headers", func(t *testing.T) {
		request, _ := http.NewRequest("GET", url+"/", nil)
		request.Header.Set("X-Forwarded-For", "6.6.6.6")
		request.Header.Set("X-Forwarded-Host", "evil")
		request.Header.Set("Forwarded", "for=evil")
		request.Header.Set("X-Forwarded-Port", "8443")
		request.Header.Set("X-Forwarded-Prefix", "/evil")
		request.Header.Set("X-Forwarded-Ssl", "on")
		request.Header.Set("X-Forwarded-User", "ann")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		for _, want := range []string{
			`"X-Forwarded-For":["127.0.0.1"]`, fmt.Sprintf(`"X-Forwarded-Host":["web.shop.localhost:%d"]`, f.port), `"X-Forwarded-Proto":["http"]`, `"X-Forwarded-User":["ann"]`,
		} {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %s in %s", want, text)
			}
		}
		if strings.Contains(string(text), "evil") || strings.Contains(string(text), "gzip") || strings.Count(string(text), "X-Forwarded-") != 4 {
			t.Errorf("headers: %s", text)
		}
	})
	t.Run("query", func(t *testing.T) {
		for _, query := range []string{"", "?", "?q=a;b&c=1", "?q=50%", "?b=2&a=1&&=", "?q=%zz&q=a+b%20c", "?q=\"x\""} {
			response := raw(t, f.port, "GET /query"+query+" HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\n\r\n")
			if !strings.HasSuffix(response, "\r\n\r\n/query"+query) {
				t.Errorf("%s: %s", query, response)
			}
		}
	})
	t.Run("path", func(t *testing.T) {
		for path, want := range map[string]string{ // an escape is not decoded, whatever is beside it
			"a%2Fb": "a%2Fb", "a%2fb%7c": "a%2fb%7c", "a|b": "a%7Cb", "a|b%2Fc": "a%7Cb%2Fc", "\u00e9%2Fa?q=|": "%C3%A9%2Fa?q=|", "[a]%2F{b}%41": "[a]%2F%7Bb%7D%41",
			"a^b%25": "a%5Eb%25", "a#b%2Fc": "a%23b%2Fc", "a;b=1,2:3@4&5+6!7*8'9(0)$%2F\"": "a;b=1,2:3@4&5+6!7*8'9(0)$%2F%22",
		} {
			response := raw(t, f.port, "GET /path/"+path+" HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\n\r\n")
			if !strings.HasSuffix(response, "\r\n\r\n/path/"+want) {
				t.Errorf("%s: %s", path, response)
			}
		}
	})
	t.Run("statuses", func(t *testing.T) {
		for _, code := range []int{204, 304, 500, 101 + 99} {
			response, err := client.Get(fmt.Sprintf("%s/status/%d", url, code))
			if err != nil || response.StatusCode != code {
				t.Errorf("%d: %v, %v", code, response, err)
			}
		}
		response, err := client.Head(url + "/")
		if err != nil || response.StatusCode != 200 || response.ContentLength <= 0 {
			t.Errorf("HEAD: %v, %v", response, err)
		}
	})
	t.Run("invalid status", func(t *testing.T) {
		response, err := client.Get(url + "/odd")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if text, _ := io.ReadAll(response.Body); response.StatusCode != 502 || !strings.Contains(string(text), "the response of web has the invalid status 099\n") {
			t.Errorf("%d: %s", response.StatusCode, text)
		}
	})
	t.Run("trailers", func(t *testing.T) {
		request, _ := http.NewRequest("POST", url+"/trailer", io.NopCloser(strings.NewReader("abc")))
		request.Trailer = http.Header{"X-In": {"in"}}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(response.Body)
		response.Body.Close()
		if response.Trailer.Get("X-Sum") != "3in" && response.Trailer.Get("X-Sum") != "3 in" {
			t.Errorf("trailers: %v", response.Trailer)
		}
	})
	t.Run("both ways", func(t *testing.T) { // each part arrives before the next is sent
		read, write := io.Pipe()
		request, _ := http.NewRequest("POST", url+"/talk", read)
		go fmt.Fprintln(write, "one") //nolint:errcheck // the response lacks it
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		for _, line := range []string{"one", "two", "three"} {
			if line != "one" {
				fmt.Fprintln(write, line)
			}
			if !lines.Scan() || lines.Text() != line {
				t.Fatalf("%q, %v, want %s", lines.Text(), lines.Err(), line)
			}
		}
		write.Close()
		if lines.Scan() || lines.Err() != nil {
			t.Errorf("%q, %v", lines.Text(), lines.Err())
		}
	})
	t.Run("early hints", func(t *testing.T) {
		response := raw(t, f.port, "GET /early HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(response, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>") || strings.Count(response, "HTTP/1.1 200 OK") != 1 || !strings.HasSuffix(response, "body") {
			t.Errorf("response: %s", response)
		}
	})
	t.Run("untyped", func(t *testing.T) {
		for _, path := range []string{"/untyped/late", "/untyped/early"} {
			response, err := client.Get(url + path)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if string(text) != "<!doctype html>" || len(response.Header.Values("Content-Type")) > 0 {
				t.Errorf("%s: %s, %q", path, text, response.Header.Values("Content-Type"))
			}
		}
	})
	t.Run("expect", func(t *testing.T) {
		response := raw(t, f.port, "POST /echo HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
		if !strings.HasPrefix(response, "HTTP/1.1 100 Continue\r\n") || !strings.HasSuffix(response, "abc") {
			t.Errorf("response: %s", response)
		}
	})
	t.Run("events", func(t *testing.T) {
		response, err := client.Get(url + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		least := time.Hour
		for n := 0; n < 20 || least > 10*time.Millisecond && n < 1000; n++ { // a busy machine delays single ones
			lines.Scan()
			var sent int64
			if _, err := fmt.Sscanf(lines.Text(), "data: %d", &sent); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
			least = min(least, time.Since(time.Unix(0, sent)))
			lines.Scan()
		}
		if least > 10*time.Millisecond {
			t.Errorf("an event took %s", least)
		}
	})
	t.Run("upgrade", func(t *testing.T) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		reader := bufio.NewReader(conn)
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != 101 || response.Header.Get("Connection") != "Upgrade" {
			t.Fatalf("%v, %v", response, err)
		}
		for _, text := range []string{"\x81\x05hello\n", "bare\nlines\n\n"} {
			fmt.Fprint(conn, text)
			got := make([]byte, len(text))
			if _, err := io.ReadFull(reader, got); err != nil || string(got) != text {
				t.Errorf("%q, %v", got, err)
			}
		}
	})
	t.Run("half-closed", func(t *testing.T) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprint(conn, "GET /half HTTP/1.1\r\nHost: web.shop.localhost\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		if text, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(text), "\r\n\r\nall") {
			t.Fatalf("%s, %v", text, err)
		}
		fmt.Fprint(conn, "later")
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Error(err)
		}
		select {
		case line := <-p.lines:
			if line != "received_later" {
				t.Errorf("%q", line)
			}
		case <-time.After(time.Minute):
			t.Error("the backend receives no end")
		}
	})
	t.Run("host header", func(t *testing.T) {
		s := web
		s.HostHeader = "localhost"
		r.set(s, p.pid)
		for end := time.Now().Add(time.Minute); ; {
			_, text := f.get("web.shop.localhost", "/", 200)
			if strings.HasPrefix(text, "web GET localhost ") {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("text: %s", text)
			}
		}
		r.set(web, p.pid)
	})
	t.Run("loop", func(t *testing.T) {
		request, _ := http.NewRequest("GET", url+"/", nil)
		request.Header.Set("X-Devports-Via", "shop//api, shop//web")
		response, err := client.Do(request)
		if err != nil || response.StatusCode != 508 {
			t.Errorf("%v, %v", response, err)
		}
		request.Header.Set("X-Devports-Via", "shop//api")
		if response, err = client.Do(request); err != nil || response.StatusCode != 200 {
			t.Errorf("no loop: %v, %v", response, err)
		}
	})
	t.Run("client gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		request, _ := http.NewRequestWithContext(ctx, "GET", url+"/gone", nil)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		response.Body.Close()
		select {
		case line := <-p.lines:
			if line != "client_gone" {
				t.Errorf("%q", line)
			}
		case <-time.After(time.Minute):
			t.Error("the backend does not notice")
		}
	})
	t.Run("late body", func(t *testing.T) {
		response, err := client.Get(url + "/late")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		for range 2 { // each part arrives before the next is written
			f.get("web.shop.localhost", "/release", 200)
			part := make([]byte, 4)
			if _, err := io.ReadFull(response.Body, part); err != nil || string(part) != "half" {
				t.Errorf("%s, %v", part, err)
			}
		}
	})
	t.Run("backend dies", func(t *testing.T) {
		response, err := client.Get(url + "/die")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if err == nil || string(text) != "part" {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// A body of a gigabyte passes in little memory, in each direction and in both.
func TestLargeBody(t *testing.T) {
	const maxGrowth = 16 << 20
	size := int64(1 << 30)
	if testing.Short() || os.Getenv("CI") == "" {
		size = 128 << 20
	}
	f, process, _ := startSite(t)
	url := fmt.Sprintf("http://web.shop.localhost:%d", f.port)
	client := f.client()
	client.Timeout = 5 * time.Minute
	for _, tt := range []struct {
		name, path     string
		upload, answer int64
	}{
		{"up", "/count", size, int64(len(fmt.Sprint(size)))},
		{"down", fmt.Sprint("/zeros/", size), 0, size},
		{"both", "/echo", size, size},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := memory(process.pid, "VmRSS")
			method, body := "GET", io.Reader(nil)
			if tt.upload > 0 {
				method, body = "POST", io.LimitReader(zeros{}, tt.upload)
			}
			request, _ := http.NewRequest(method, url+tt.path, body)
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if n, err := io.Copy(io.Discard, response.Body); n != tt.answer || err != nil {
				t.Errorf("%d of %d bytes: %v", n, tt.answer, err)
			}
			peak := memory(process.pid, "VmHWM")
			t.Logf("%d MiB: at most %d KiB, %d more than before", size>>20, peak>>10, (peak-before)>>10)
			if peak-before > maxGrowth {
				t.Errorf("the front needs %d bytes more than before", peak-before)
			}
		})
	}
}

// memory is an amount in /proc/PID/status, in bytes; 0 if it is unknown.
func memory(pid int, name string) (bytes int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			_, _ = fmt.Sscan(value, &bytes)
		}
	}
	return bytes << 10
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestOnlyIPv6(t *testing.T) {
	f, _, _, _ := newSite(t, "[::1]:%d")
	f.get("web.shop.localhost", "/", 200)
}

// No request fails while a service is restarted, although its processes are
// killed: those that it has received are answered before, others wait.
func TestWaitsForRestart(t *testing.T) {
	f, r, p, web := newSite(t, "127.0.0.1:%d")
	client := f.client()
	var requests sync.WaitGroup
	stop, completed := make(chan struct{}), make(chan bool)
	var waited atomic.Int32
	var away atomic.Bool
	for i := range 8 {
		requests.Go(func() {
			for {
				late := away.Load()
				method, path, body := "POST", "/echo", "body"
				if i%2 == 0 {
					method, path, body = "GET", "/slow", "slow"
				}
				request, _ := http.NewRequest(method, fmt.Sprintf("http://web.shop.localhost:%d%s", f.port, path), strings.NewReader(body))
				response, err := client.Do(request)
				var text []byte
				if err == nil {
					text, err = io.ReadAll(response.Body)
					response.Body.Close()
				}
				if err != nil || string(text) != body {
					t.Errorf("%s: %v %s", path, err, text)
				} else if late {
					waited.Add(1)
				}
				select {
				case <-stop:
					return
				case completed <- true:
				}
			}
		})
	}
	for i := range 10 {
		down := web
		down.State, down.Restarts = launcher.StateStopping, i
		r.set(down, p.pid)
		r.announced.Drain(t.Context(), "web")
		away.Store(true)
		p.stop()
		down.State, down.Restarts = launcher.StateStarting, i+1
		r.set(down, 0)
		for drained := false; !drained; { // all requests wait now
			select {
			case <-completed:
			case <-time.After(50 * time.Millisecond):
				drained = true
			}
		}
		p = start(t, "web", fmt.Sprintf("127.0.0.1:%d", web.Port))
		away.Store(false)
		up := web
		up.Restarts = i + 1
		r.set(up, p.pid)
		for range 20 {
			<-completed
		}
	}
	close(stop)
	requests.Wait()
	if waited.Load() < 20 {
		t.Errorf("only %d requests waited", waited.Load())
	}
}

// A request whose process has died is not sent to the next one. One whose kept
// connection the service has closed is sent again.
func TestNotSentAgain(t *testing.T) {
	f, r, p, web := newSite(t, "127.0.0.1:%d")
	client := f.client()
	url := fmt.Sprintf("http://web.shop.localhost:%d", f.port)
	for range 3 {
		response, err := client.Get(url + "/expired")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 200 {
			t.Errorf("after the end of a kept connection: %s", response.Status)
		}
	}
	for restart := range 3 {
		f.get("web.shop.localhost", "/", 200) // its connection is kept
		status := make(chan int, 1)
		go func() {
			response, err := client.Get(url + "/crash")
			if err != nil {
				t.Error(err)
				status <- 0
				return
			}
			response.Body.Close()
			status <- response.StatusCode
		}()
		for line := range p.lines {
			if line != "crash" {
				t.Fatal(line)
			}
		}
		next := start(t, "web", fmt.Sprintf("127.0.0.1:%d", web.Port))
		web.Restarts = restart + 1
		r.set(web, next.pid)
		if got := <-status; got != http.StatusBadGateway {
			t.Errorf("the request for the process that died: %d", got)
		}
		f.get("web.shop.localhost", "/", 200)
		p = next
	}
	p.end()
	for line := range p.lines {
		t.Error(line)
	}
}

// A process may listen before the front knows its pid: requests wait until then.
func TestListensBeforePIDIsKnown(t *testing.T) {
	f, r, p, web := newSite(t, "127.0.0.1:%d")
	p.stop()
	web.State = launcher.StateStopped
	r.set(web, 0)
	f.get("web.shop.localhost", "/", 503)
	p = start(t, "web", fmt.Sprintf("127.0.0.1:%d", web.Port))
	web.State, web.Restarts = launcher.StateStarting, 1
	asked := make(chan struct{})
	r.mu.Lock()
	r.asked = asked
	r.mu.Unlock()
	r.set(web, 0)
	go func() {
		for range 10 { // more often than for a request that does not wait
			<-asked
		}
		r.set(web, p.pid)
	}()
	for status := 503; status != 200; {
		response, err := f.client().Get(fmt.Sprintf("http://web.shop.localhost:%d/", f.port))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if status = response.StatusCode; status != 200 && status != 503 { // 503: it is stopped
			t.Fatal(response.Status)
		}
	}
}

// A service is drained at once unless it has requests, a limited time if they
// take long, and never for those that do not end.
func TestDrain(t *testing.T) {
	f, r, p, web := newSite(t, "127.0.0.1:%d")
	drain := func() time.Duration {
		t.Helper()
		web.State = launcher.StateStopping
		r.set(web, p.pid)
		began := time.Now()
		r.announced.Drain(t.Context(), "web")
		took := time.Since(began)
		web.State = launcher.StateReady
		r.set(web, p.pid)
		f.get("web.shop.localhost", "/", 200)
		return took
	}
	if took := drain(); took > drainLimit/2 {
		t.Errorf("without requests, it took %s", took)
	}
	get := func(path string) *http.Response {
		t.Helper()
		response, err := f.client().Get(fmt.Sprintf("http://web.shop.localhost:%d%s", f.port, path))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	events := get("/events")
	if took := drain(); took > drainLimit/2 {
		t.Errorf("with an event stream, it took %s", took)
	}
	events.Body.Close()
	long := get("/gone")
	if took := drain(); took < drainLimit || took > 2*drainLimit {
		t.Errorf("with a request that does not end, it took %s", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	r.announced.Drain(ctx, "web")
	if took := time.Since(began); took > drainLimit/2 {
		t.Errorf("although it was cancelled, it took %s", took)
	}
	long.Body.Close()
	if line := <-p.lines; line != "client_gone" {
		t.Fatal(line)
	}
	for end := time.Now().Add(time.Minute); drain() > drainLimit/2; {
		if time.Now().After(end) {
			t.Fatal("the request that has ended is still waited for")
		}
	}
	f.stop()
	for r.announced.connection.Load() != nil {
		time.Sleep(time.Millisecond)
	}
	began = time.Now()
	r.announced.Drain(t.Context(), "web")
	if took := time.Since(began); took > drainLimit/2 {
		t.Errorf("without a front, it took %s", took)
	}
}

// Clients of other languages, with an explicit Host.
func TestClients(t *testing.T) {
	f, _, _, _ := newSite(t, "127.0.0.1:%d")
	for name, argv := range map[string][]string{
		"curl":    {"-s", "-H", "Host: web.shop.localhost", fmt.Sprintf("http://127.0.0.1:%d/", f.port)},
		"python3": {"-c", fmt.Sprintf("import http.client; c = http.client.HTTPConnection('127.0.0.1', %d); c.request('GET', '/', headers={'Host': 'web.shop.localhost'}); print(c.getresponse().read().decode())", f.port)},
		"node":    {"-e", fmt.Sprintf("require('http').get({host: '127.0.0.1', port: %d, headers: {Host: 'web.shop.localhost'}}, r => r.pipe(process.stdout))", f.port)},
	} {
		if _, err := exec.LookPath(name); errors.Is(err, exec.ErrNotFound) {
			t.Logf("no %s", name)
			continue
		}
		out, err := exec.Command(name, argv...).CombinedOutput()
		if err != nil || !bytes.HasPrefix(out, []byte("web GET web.shop.localhost")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// A service whose process refuses its first request gets one hint.
func TestHint(t *testing.T) {
	f, r, p, web := newSite(t, "127.0.0.1:%d")
	f.get("web.shop.localhost", "/status/403", 403) // its first response was a success
	api := web
	api.Name, api.Host, api.Address = "api", "api", "http://api.shop.localhost"
	for restart := range 3 {
		api.Restarts, api.Host = restart, fmt.Sprint("api", restart)
		r.set(api, p.pid)
		f.get(api.Host+".shop.localhost", "/status/403", 403)
		f.get(api.Host+".shop.localhost", "/status/400", 400)
	}
	const want = `api responded with 403 to its first request for http://api.shop.localhost: if it only allows certain hosts or origins, allow this one, or set host_header = "localhost"`
	if note := <-r.notes; note != want {
		t.Error(note)
	}
	// A process responds before the front knows its pid.
	early := web
	early.Name, early.Host = "early", "early"
	r.set(early, 0, p.pid)
	f.get("early.shop.localhost", "/status/403", 403)
	if note := <-r.notes; !strings.HasPrefix(note, "early responded with 403") {
		t.Error(note)
	}
	early.Host = "later"
	r.set(early, p.pid)
	f.get("later.shop.localhost", "/status/403", 403)
	// The hint of another service shows that there are no more for these.
	api.Name, api.Host, api.HostHeader = "admin", "admin", "localhost"
	r.set(api, p.pid)
	f.get("admin.shop.localhost", "/status/400", 400)
	if note := <-r.notes; !strings.HasPrefix(note, "admin responded with 400") || strings.Contains(note, "host_header") {
		t.Error(note)
	}
}

// A loop is detected whatever the project's name consists of.
func TestLoopOfAnyName(t *testing.T) {
	place := newPlace(t)
	f := startFront(t, place, freePort(t), 0)
	web := Service{Name: "web", Host: "web", Port: freePort(t), State: launcher.StateReady}
	p := start(t, "web", fmt.Sprintf("127.0.0.1:%d", web.Port))
	announce(t, place, Run{ID: "1", Site: "shop", Project: "Läden, alle", Directory: "/shop"}, 0, nil).set(web, p.pid)
	response, text := f.get("web.shop.localhost", "/", 200)
	if who := response.Header.Get("X-Devports"); who != "L?den? alle//web" {
		t.Error(who)
	}
	var received http.Header
	if err := json.Unmarshal([]byte(text[strings.Index(text, "{"):]), &received); err != nil {
		t.Fatal(err)
	}
	request, _ := http.NewRequest("GET", fmt.Sprintf("http://web.shop.localhost:%d/", f.port), nil)
	request.Header["X-Devports-Via"] = received["X-Devports-Via"]
	again, err := f.client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	again.Body.Close()
	if again.StatusCode != http.StatusLoopDetected {
		t.Error(again.Status)
	}
}
