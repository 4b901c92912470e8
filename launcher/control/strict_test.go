//go:build unix

package control

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestStrictQueries: a malformed request, or one with an unknown parameter, is
// refused and changes nothing.
func TestStrictQueries(t *testing.T) {
	var logged bytes.Buffer // net/http logs to stderr by default
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	path, client := served(t)
	before, err := client.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ request, reason string }{
		{"POST /v1/restart?service=a;b", "semicolon"},
		{"POST /v1/restart?servcie=a", `unknown parameter \"servcie\"`},
		{"POST /v1/restart?service=%zz", "%zz"},
		{"POST /v1/restart", "all=true"},
		{"POST /v1/stop", "all=true"},
		{"POST /v1/start", "all=true"},
		{"POST /v1/restart?service=", "all=true"},
		{"POST /v1/restart?all=1", "all"},
		{"POST /v1/restart?all=true&all=true", "all"},
		{"POST /v1/restart?all=true&service=a", "all"},
		{"POST /v1/down?service=a", "unknown parameter"},
		{"GET /v1/status?service=a", "unknown parameter"},
		{"GET /v1/wait?services=a", "unknown parameter"},
		{"GET /v1/wait?service=", "service"},
		{"GET /v1/logs?follow=1", "follow"},
		{"GET /v1/logs?follow=true&follow=false", "follow"},
		{"GET /v1/logs?last=", "last"},
		{"GET /v1/logs?last=-2", "last"},
		{"GET /v1/logs?last=%2B3", "last"},
		{"GET /v1/logs?last=1&last=2", "last"},
		{"GET /v1/logs?since=", "since"},
		{"GET /v1/logs?tail=3", "unknown parameter"},
		{"GET /v1/events?follow=yes", "follow"},
		{"POST /v1/hold?service=a&all=true", "all"},
		{"POST /v1/hold?fresh=1", "fresh"},
		{"POST /v1/release?id=1", "unknown parameter"},
		{"POST /v1/keep", "all=true"},
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: devports\r\nConnection: close\r\n\r\n", tt.request)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(tt.request, err)
		}
		var body strings.Builder
		_ = response.Write(&body)
		conn.Close()
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(body.String(), tt.reason) || !strings.Contains(body.String(), `{"error":`) {
			t.Errorf("%s: %s", tt.request, body.String())
		}
	}
	if logged.Len() > 0 {
		t.Errorf("logged: %s", logged.String())
	}
	after, err := client.Status(t.Context())
	if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%v, %v\nbefore: %v", after, err, before)
	}
	if _, err := client.Restart(t.Context()); err != nil {
		t.Error(err)
	}
	if info, err := client.Wait(t.Context()); err != nil || info.Services[0].PID == before.Services[0].PID {
		t.Errorf("restart of all: %v, %v", info, err)
	}
}
