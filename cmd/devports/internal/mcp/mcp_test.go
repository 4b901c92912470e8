package mcp

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
)

// TestServe checks the answers to requests, also wrong ones.
func TestServe(t *testing.T) {
	server := Server{
		Name: "x", Version: "1",
		Tools: func() []Tool {
			return []Tool{
				{Name: "t", Properties: []Property{{Name: "n", Type: "integer"}}},
				{Name: "r", Properties: []Property{{Name: "n", Type: "integer", Required: true}}},
			}
		},
		Call: func(context.Context, string, Arguments) (string, bool) { return "<ok>", false },
	}
	for in, want := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`:                                   `{"jsonrpc":"2.0","id":1,"result":{}}`,
		`{"id":"a","method":"initialize","params":{"protocolVersion":"2025-03-26"}}`: `"protocolVersion":"2025-03-26"`,
		`{"id":"a","method":"initialize","params":{"protocolVersion":"1999-01-01"}}`: `"protocolVersion":"2025-11-25"`,
		`{"id":1,"method":"tools/call","params":{"name":"t"}}`:                       `"text":"<ok>"`,
		`{"id":1,"method":"tools/call","params":{"name":"t","arguments":{"n":1.5}}}`: `must be of the type integer`,
		`{"id":1,"method":"tools/call","params":{"name":"u"}}`:                       `"code":-32602`,
		`{"id":1,"method":"tools/call","params":[]}`:                                 `"code":-32602`,
		`{"id":1,"method":"nosuch"}`:                                                 `"code":-32601`,
		`{"id":1}`:                                                                   `"code":-32600`,
		`{`:                                                                          `{"jsonrpc":"2.0","id":null,"error":{"code":-32700`,
		`{"method":"notifications/initialized"}`:                                     ``,
		`{"method":"notifications/cancelled","params":{"requestId":9}}`:              ``,
		"\r\n":                                 ``,
		`{"jsonrpc":"2.0","id":1,"result":{}}`: ``,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}`:              ``,
		`{"id":1,"method":"tools/call","params":{"name":"t","arguments":{"n":null}}}`: `"text":"<ok>"`,
		`{"id":1,"method":"tools/call","params":{"name":"r","arguments":{"n":null}}}`: `r requires the argument n`,
		`[]`:                                   `"code":-32600`,
		`[1]`:                                  `[{"jsonrpc":"2.0","id":null,"error":{"code":-32700`,
		`[{"method":"notifications/x"}]`:       ``,
		` [{"id":1,"method":"ping"},{"id":2}]`: `[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"error":{"code":-32600`,
		`[{"id":1,"method":"tools/call","params":{"name":"t"}},{"method":"notifications/x"}]`: `[{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"<ok>","type":"text"}],"isError":false}}]`,
	} {
		var out strings.Builder
		if err := Serve(t.Context(), strings.NewReader(in), &out, server); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if got := out.String(); !strings.Contains(got, want) || (want == "") != (got == "") || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestCancel checks that other requests are answered during a call, and that a
// cancelled call ends without an answer.
func TestCancel(t *testing.T) {
	called := make(chan struct{})
	server := Server{
		Tools: func() []Tool { return []Tool{{Name: "t"}} },
		Call: func(ctx context.Context, _ string, _ Arguments) (string, bool) {
			close(called)
			<-ctx.Done()
			return "late", true
		},
	}
	in, write := io.Pipe()
	read, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Serve(t.Context(), in, out, server)
		out.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(read)
	send := func(text string) { _, _ = io.WriteString(write, text+"\n") }
	send(`{"id":7,"method":"tools/call","params":{"name":"t"}}`)
	<-called
	send(`{"id":8,"method":"ping"}`)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"id":8`) {
		t.Fatalf("%q", lines.Text())
	}
	send(`{"method":"notifications/cancelled","params":{"requestId":7}}`)
	write.Close()
	if lines.Scan() {
		t.Errorf("a cancelled call has the answer %s", lines.Text())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
