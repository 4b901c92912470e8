// Package mcp serves tools over the Model Context Protocol, on a pair of streams.
// It is the small part of the protocol that a server with tools needs: the
// official SDK (v1.8.0) would add its HTTP client, OAuth and JSON schemas to every
// command of devports, 2.05 MB to a stripped program of 18.9 MB and 0.5 ms to the
// 3.5 ms of devports --version (minima of 300 interleaved rounds). The tests use
// that SDK's client.
package mcp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// versions are the versions of the protocol that this server knows, the latest
// first. What it uses of them is the same.
var versions = [...]string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}

// Server describes a server.
type Server struct {
	Name, Version string
	Tools         func() []Tool

	// Call runs a tool. It is called from several goroutines at the same time.
	Call func(ctx context.Context, tool string, a Arguments) (text string, failed bool)
}

// Tool is a tool, with its arguments.
type Tool struct {
	Name, About string
	ReadOnly    bool
	Properties  []Property
}

// Property is an argument of a tool. The items of an array are strings.
type Property struct {
	Name, Type, About string
	Required          bool
}

// Arguments are the arguments of a call, with the types of their properties.
type Arguments map[string]any

// Text returns a string; "" if it is missing.
func (a Arguments) Text(name string) string {
	value, _ := a[name].(string)
	return value
}

// Number returns an integer; 0 if it is missing.
func (a Arguments) Number(name string) int {
	value, _ := a[name].(float64)
	return int(value)
}

// List returns an array of strings; nil if it is missing.
func (a Arguments) List(name string) (list []string) {
	values, _ := a[name].([]any)
	for _, value := range values {
		word, _ := value.(string)
		list = append(list, word)
	}
	return list
}

// request is a request, or without an ID a notification.
type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`

	// One of them makes it a response, to a request that this server never sends.
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// The codes of JSON-RPC.
const (
	parseError     = -32700
	invalidRequest = -32600
	unknownMethod  = -32601
	invalidParams  = -32602
)

// closeGrace is how long calls may take after the client has closed in: they are
// then cancelled. A client that waits for the server kills it after a while.
const closeGrace = time.Second

// Serve answers the requests on in until in or ctx ends. It returns when all
// calls have ended; it does not wait for a read from in.
func Serve(ctx context.Context, in io.Reader, out io.Writer, server Server) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &connection{server: server, out: json.NewEncoder(out), calls: &calls{running: map[string]context.CancelFunc{}}}
	c.out.SetEscapeHTML(false)
	lines, ended := make(chan []byte), make(chan error, 1)
	go read(ctx, in, lines, ended)
	for {
		select {
		case line := <-lines:
			c.handle(ctx, line)
		case err := <-ended:
			grace := time.AfterFunc(closeGrace, cancel)
			defer grace.Stop()
			c.goroutines.Wait()
			return err
		case <-ctx.Done():
			c.goroutines.Wait()
			return nil
		}
	}
}

// read sends the lines of in until in or ctx ends.
func read(ctx context.Context, in io.Reader, lines chan<- []byte, ended chan<- error) {
	for buffered := bufio.NewReader(in); ; {
		line, err := buffered.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
		if err == io.EOF {
			err = nil
		} else if err == nil {
			continue
		}
		ended <- err
		return
	}
}

// connection is a client.
type connection struct {
	server     Server
	goroutines sync.WaitGroup

	calls *calls

	mu  sync.Mutex // guards the fields below
	out *json.Encoder
}

// calls are the calls that have not ended.
type calls struct {
	mu      sync.Mutex
	running map[string]context.CancelFunc // by ID
}

func (c *connection) handle(ctx context.Context, line []byte) {
	if line = bytes.TrimSpace(line); line[0] == '[' {
		c.batch(ctx, line)
		return
	}
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		c.fail(nil, parseError, err.Error())
		return
	}
	switch {
	case r.Method == "" && (r.Result != nil || r.Error != nil):
	case r.Method == "" && r.ID != nil:
		c.fail(r.ID, invalidRequest, "a request without a method")
	case r.ID == nil: // a notification
		c.notified(r)
	case r.Method == "initialize":
		c.initialize(r)
	case r.Method == "ping":
		c.answer(r.ID, struct{}{})
	case r.Method == "tools/list":
		c.answer(r.ID, map[string]any{"tools": c.list()})
	case r.Method == "tools/call":
		c.call(ctx, r)
	default:
		c.fail(r.ID, unknownMethod, "unknown method "+r.Method)
	}
}

// batch handles several requests at once, which version 2025-03-26 of the protocol
// has. The answer is an array, when all of them have ended.
func (c *connection) batch(ctx context.Context, line []byte) {
	var parts []json.RawMessage
	if err := json.Unmarshal(line, &parts); err != nil {
		c.fail(nil, parseError, err.Error())
		return
	}
	if len(parts) == 0 {
		c.fail(nil, invalidRequest, "an empty batch")
		return
	}
	var answers bytes.Buffer
	inner := &connection{server: c.server, out: json.NewEncoder(&answers), calls: c.calls}
	inner.out.SetEscapeHTML(false)
	for _, part := range parts {
		inner.handle(ctx, part)
	}
	c.goroutines.Go(func() {
		inner.goroutines.Wait()
		if answers.Len() == 0 { // only notifications
			return
		}
		c.encode(json.RawMessage("[" + strings.ReplaceAll(strings.TrimSpace(answers.String()), "\n", ",") + "]"))
	})
}

func (c *connection) initialize(r request) {
	var params struct {
		ProtocolVersion string `json:"protocolVersion"`
	}
	_ = json.Unmarshal(r.Params, &params) // without a version, it gets the latest
	version := versions[0]
	if slices.Contains(versions[:], params.ProtocolVersion) {
		version = params.ProtocolVersion
	}
	c.answer(r.ID, map[string]any{
		"protocolVersion": version,
		"capabilities":    map[string]any{"tools": struct{}{}},
		"serverInfo":      map[string]string{"name": c.server.Name, "version": c.server.Version},
	})
}

// list describes the tools, with the JSON schemas of their arguments.
func (c *connection) list() []any {
	tools := []any{}
	for _, t := range c.server.Tools() {
		properties, required := map[string]any{}, []string{}
		for _, p := range t.Properties {
			schema := map[string]any{"type": p.Type, "description": p.About}
			if p.Type == "array" {
				schema["items"] = map[string]string{"type": "string"}
			}
			properties[p.Name] = schema
			if p.Required {
				required = append(required, p.Name)
			}
		}
		tools = append(tools, map[string]any{
			"name": t.Name, "description": t.About,
			"inputSchema": map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false},
			"annotations": map[string]bool{"readOnlyHint": t.ReadOnly, "destructiveHint": false, "openWorldHint": false},
		})
	}
	return tools
}

// call runs a tool in a goroutine of its own.
func (c *connection) call(ctx context.Context, r request) {
	var params struct {
		Name      string    `json:"name"`
		Arguments Arguments `json:"arguments"`
	}
	if err := json.Unmarshal(r.Params, &params); err != nil {
		c.fail(r.ID, invalidParams, err.Error())
		return
	}
	tools := c.server.Tools()
	i := slices.IndexFunc(tools, func(t Tool) bool { return t.Name == params.Name })
	if i < 0 {
		c.fail(r.ID, invalidParams, "unknown tool "+params.Name)
		return
	}
	if problem := tools[i].check(params.Arguments); problem != "" {
		c.answer(r.ID, result(problem, true)) // the agent can correct it
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	c.calls.mu.Lock()
	c.calls.running[string(r.ID)] = cancel
	c.calls.mu.Unlock()
	c.goroutines.Go(func() {
		defer cancel()
		text, failed := c.server.Call(ctx, params.Name, params.Arguments)
		c.calls.mu.Lock()
		delete(c.calls.running, string(r.ID))
		c.calls.mu.Unlock()
		if ctx.Err() == nil { // a cancelled call gets no answer
			c.answer(r.ID, result(text, failed))
		}
	})
}

func result(text string, failed bool) any {
	return map[string]any{"content": []any{map[string]string{"type": "text", "text": text}}, "isError": failed}
}

// check returns what is wrong with the arguments of a call; "" if nothing is.
func (t Tool) check(a Arguments) string {
	known := []string{}
	for _, p := range t.Properties {
		known = append(known, p.Name)
		value := a[p.Name] // nil: it is missing, or null
		if value == nil && p.Required {
			return fmt.Sprintf("%s requires the argument %s: %s", t.Name, p.Name, p.About)
		}
		if value != nil && !p.accepts(value) {
			return fmt.Sprintf("the argument %s of %s must be of the type %s", p.Name, t.Name, p.Type)
		}
	}
	for name := range a {
		if !slices.Contains(known, name) {
			return fmt.Sprintf("%s has no argument %s, only: %s", t.Name, name, strings.Join(known, ", "))
		}
	}
	return ""
}

func (p Property) accepts(value any) bool {
	switch value := value.(type) {
	case string:
		return p.Type == "string"
	case float64:
		return p.Type == "integer" && value == float64(int(value))
	case []any:
		return p.Type == "array" && !slices.ContainsFunc(value, func(v any) bool { _, ok := v.(string); return !ok })
	}
	return false
}

// notified handles a notification. Only cancellations matter here.
func (c *connection) notified(r request) {
	var params struct {
		ID json.RawMessage `json:"requestId"`
	}
	if r.Method != "notifications/cancelled" || json.Unmarshal(r.Params, &params) != nil {
		return
	}
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	if cancel, ok := c.calls.running[string(params.ID)]; ok {
		cancel()
	}
}

func (c *connection) answer(id json.RawMessage, result any) { c.send(response{ID: id, Result: result}) }

func (c *connection) fail(id json.RawMessage, code int, message string) {
	c.send(response{ID: id, Error: &rpcError{code, message}})
}

func (c *connection) send(r response) {
	r.Version = "2.0"
	if r.ID == nil {
		r.ID = json.RawMessage("null")
	}
	c.encode(r)
}

func (c *connection) encode(message any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.out.Encode(message) // fails if the client has gone: then in ends, too
}
