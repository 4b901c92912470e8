package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestMain makes this binary a service.
func TestMain(m *testing.M) {
	if os.Getenv("CLIENT_TEST_SERVICE") != "" {
		fmt.Println("hello from web")
		fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.NotFoundHandler()))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// connect starts devports mcp in a project, and returns a client of it.
func connect(t *testing.T) (*mcp.ClientSession, *exec.Cmd) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "devports")
	build := exec.Command("go", "build", "-o", program, "./cmd/devports")
	build.Dir = "../../../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sockets, err := os.MkdirTemp("", "m") // they need a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	project := filepath.Join(dir, "shop")
	if err := os.Mkdir(project, 0o700); err != nil {
		t.Fatal(err)
	}
	portfile := "[services]\nweb = { command = \"exec $SELF\", env = { CLIENT_TEST_SERVICE = \"1\" } }\nbroken = { command = \"echo no database; exit 3\", port = false }\n" +
		"slow = { command = \"sleep 1000\", port = false, ready = \"log:never\", ready_timeout = \"10m\", autostart = false }\n"
	if err := os.WriteFile(filepath.Join(project, "Portfile"), []byte(portfile), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "DEVPORTS_HOME="+filepath.Join(dir, "home"), "XDG_RUNTIME_DIR="+sockets, "DEVPORTS_FRONT=off", "SELF="+self)
	server := exec.Command(program, "mcp")
	server.Dir, server.Env, server.Stderr = project, env, os.Stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: server}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		down := exec.Command(program, "down")
		down.Dir, down.Env = project, env
		_ = down.Run()
	})
	return session, server
}

// call calls a tool, and returns its text.
func call(t *testing.T, s *mcp.ClientSession, tool string, arguments map[string]any) (text string, failed bool) {
	t.Helper()
	result, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return result.Content[0].(*mcp.TextContent).Text, result.IsError
}

// TestTools calls every tool.
func TestTools(t *testing.T) {
	s, server := connect(t)
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	untried := map[string]bool{}
	for _, tool := range list.Tools {
		untried[tool.Name] = true
	}
	web := map[string]any{"service": "web"}
	one := func(name string) map[string]any { return map[string]any{"services": []string{name}} }
	for _, step := range []struct {
		tool      string
		arguments map[string]any
		failed    bool
		want      string
	}{
		{"status", nil, true, "hint: to start it: devports up"},
		{"start", one("web"), false, "web is ready on http://localhost:"},
		{"status", nil, false, `"state": "ready"`},
		{"wait", map[string]any{"services": []string{"web"}, "timeout": "20s"}, false, `"service": "web"`},
		{"url", web, false, "http://localhost:"},
		{"env", web, false, `"PORT": "`},
		{"logs", map[string]any{"services": []string{"web"}, "grep": "HELLO|hello"}, false, `"text":"hello from web"`},
		{"restart", one("web"), false, `"restarts": 1`},
		{"start", one("broken"), true, "no database"},
		{"stop", one("web"), false, `"state": "stopped"`},
		{"who", map[string]any{"port": 1}, false, `"port": 1`},
		{"url", nil, true, "url requires the argument service"},
		{"url", map[string]any{"service": "wbe"}, true, "hint: did you mean web?"},
		{"who", map[string]any{"port": "1"}, true, "must be of the type integer"},
		{"status", map[string]any{"all": true}, true, "status has no argument all"},
		{"status", map[string]any{"directory": "/"}, true, "nothing is running in /"},
		{"logs", map[string]any{"services": []string{"--clear"}}, true, "--clear"},
	} {
		delete(untried, step.tool)
		text, failed := call(t, s, step.tool, step.arguments)
		if failed != step.failed || !strings.Contains(text, step.want) {
			t.Errorf("%s %v: failed %v, want %v and %q:\n%s", step.tool, step.arguments, failed, step.failed, step.want, text)
		}
	}
	if len(untried) > 0 {
		t.Errorf("not called: %v", untried)
	}
	if _, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "nosuch"}); err == nil {
		t.Error("an unknown tool is no error")
	}
	if err := s.Close(); err != nil || !server.ProcessState.Success() {
		t.Errorf("the server ended with %v, %v", err, server.ProcessState)
	}
}

// TestCursor reads the logs in two parts.
func TestCursor(t *testing.T) {
	s, _ := connect(t)
	if text, failed := call(t, s, "start", map[string]any{"services": []string{"web"}}); failed {
		t.Fatal(text)
	}
	all, _ := call(t, s, "logs", nil)
	lines := slices.Collect(strings.Lines(all))
	if len(lines) < 2 {
		t.Fatalf("%q", all)
	}
	_, cursor, _ := strings.Cut(lines[0], `"cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	rest, failed := call(t, s, "logs", map[string]any{"cursor": cursor, "lines": 1})
	if failed || rest != lines[1] {
		t.Errorf("after %q comes %q, want %q", cursor, rest, lines[1])
	}
}

// TestCancel cancels calls that wait: their commands end, and the server answers
// the next call. When the client disconnects, the server ends with its calls.
func TestCancel(t *testing.T) {
	s, server := connect(t)
	slow := map[string]any{"services": []string{"slow"}, "timeout": "10m"}
	if text, failed := call(t, s, "start", map[string]any{"services": []string{"web"}}); failed {
		t.Fatal(text)
	}
	background := exec.Command(server.Path, "start", "slow")
	background.Dir, background.Env = server.Dir, server.Env
	if err := background.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = background.Process.Kill()
		_ = background.Wait()
	}()
	for text := ""; !strings.Contains(text, `"state": "starting"`); {
		text, _ = call(t, s, "status", nil)
	}
	for _, tool := range []string{"wait", "restart", "wait"} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := s.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: slow})
			ended <- err
		}()
		awaitCommands(t, server, 1)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s ended with %v", tool, err)
		}
		awaitCommands(t, server, 0)
		if text, failed := call(t, s, "url", map[string]any{"service": "web"}); failed || !strings.Contains(text, "http://") {
			t.Errorf("after a cancelled %s: %s", tool, text)
		}
	}

	if err := s.Close(); err != nil || !server.ProcessState.Success() {
		t.Errorf("the server ended with %v, %v", err, server.ProcessState)
	}

	// A client that was killed: its end of the pipes closes.
	server = &exec.Cmd{Path: server.Path, Args: server.Args, Dir: server.Dir, Env: server.Env, Stderr: os.Stderr}
	requests, err := server.StdinPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(requests, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait","arguments":{"services":["slow"],"timeout":"10m"}}}`)
	commands := awaitCommands(t, server, 1)
	requests.Close()
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if out, err := exec.Command("ps", "-o", "stat=,args=", "-p", commands[0]).Output(); err == nil && !strings.HasPrefix(string(out), "Z") {
		t.Errorf("a command is left: %s", out)
	}
}

// awaitCommands waits until the server runs that many commands, and returns their
// pids.
func awaitCommands(t *testing.T, server *exec.Cmd, count int) []string {
	t.Helper()
	if _, err := exec.LookPath("pgrep"); err != nil {
		t.Skip("pgrep is missing")
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		out, _ := exec.Command("pgrep", "-P", strconv.Itoa(server.Process.Pid)).Output() // fails if there are none
		pids := strings.Fields(string(out))
		if len(pids) == count {
			return pids
		}
		if time.Now().After(end) {
			t.Fatalf("the server runs %d commands, want %d", len(pids), count)
		}
	}
}

// TestUpgrade removes the server's program, as an upgrade does.
func TestUpgrade(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux keeps the file of a running program")
	}
	s, server := connect(t)
	content, err := os.ReadFile(server.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(server.Path); err != nil {
		t.Fatal(err)
	}
	if text, failed := call(t, s, "url", map[string]any{"service": "web"}); failed {
		t.Errorf("after its removal: %s", text)
	}
	if err := os.WriteFile(server.Path, content, 0o700); err != nil { // the new version
		t.Fatal(err)
	}
	if text, failed := call(t, s, "url", map[string]any{"service": "web"}); failed {
		t.Errorf("after its replacement: %s", text)
	}
}
