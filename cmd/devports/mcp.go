package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/mcp"
	"github.com/devports/devports/launcher/system"
)

var mcpCommand = command{
	name:  "mcp",
	usage: "serve status, logs and commands to agents, over the Model Context Protocol",
	help: `
Serves the Model Context Protocol on standard input and output, and nowhere else,
until standard input ends. The tools status, wait, logs, start, stop, restart,
who, url and env do what the commands of these names do (start: up -d), for the
directory in which devports mcp runs, or that the argument directory names. An
agent that can run commands needs less context with devports agent init.

Example:
  devports mcp
  claude mcp add devports -- devports mcp`,
	run: func(s session, c *cli.Context) error {
		program, err := os.Executable()
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context, stopSignals()...)
		defer stop()
		return mcp.Serve(ctx, s.stdin, s.stdout, mcp.Server{
			Name: "devports", Version: version().Devports, Tools: mcpTools,
			Call: func(ctx context.Context, tool string, a mcp.Arguments) (string, bool) {
				return s.callTool(ctx, program, tool, a)
			},
		})
	},
}

// mcpTools are the tools of devports mcp.
func mcpTools() []mcp.Tool {
	services := mcp.Property{Name: "services", Type: "array", About: "names of services; without it, all"}
	directory := mcp.Property{Name: "directory", Type: "string", About: "the checkout, if it is not the working directory"}
	timeout := mcp.Property{Name: "timeout", Type: "string", About: "how long to wait at most, such as 30s; default: 1m"}
	service := mcp.Property{Name: "service", Type: "string", About: "the name of a service", Required: true}
	return []mcp.Tool{
		{Name: "status", About: "List the services of this checkout with state, port, address and failure.", ReadOnly: true, Properties: []mcp.Property{directory}},
		{Name: "wait", About: "Wait until each service is ready or has failed; an error has the last lines of those that failed.", ReadOnly: true, Properties: []mcp.Property{services, timeout, directory}},
		{Name: "logs", About: "Read the output of services, also of a run that has ended: one JSON object per line, with a cursor.", ReadOnly: true, Properties: []mcp.Property{
			services,
			{Name: "lines", Type: "integer", About: "the last N lines, or with cursor the next N; default: 100"},
			{Name: "grep", Type: "string", About: "only lines that match this Go regular expression"},
			{Name: "since", Type: "string", About: "only lines since then, such as 5m or 15:04"},
			{Name: "cursor", Type: "string", About: "only what follows this cursor of an earlier line"},
			directory,
		}},
		{Name: "start", About: "Start the services that are not running, in the background, and wait until they are ready.", Properties: []mcp.Property{services, timeout, directory}},
		{Name: "stop", About: "Stop services.", Properties: []mcp.Property{services, directory}},
		{Name: "restart", About: "Restart services, and wait until they are ready.", Properties: []mcp.Property{services, timeout, directory}},
		{Name: "who", About: "Show which process listens on a port, and to which checkout and service it belongs.", ReadOnly: true, Properties: []mcp.Property{
			{Name: "port", Type: "integer", About: "the port", Required: true}, directory,
		}},
		{Name: "url", About: "Print the address of a service.", ReadOnly: true, Properties: []mcp.Property{service, directory}},
		{Name: "env", About: "Print the variables that devports sets for a service, as JSON.", ReadOnly: true, Properties: []mcp.Property{service, directory}},
	}
}

// toolCommand is the command line for a tool, without the program.
func toolCommand(tool string, a mcp.Arguments) []string {
	option := func(name string) (words []string) {
		if value := a.Text(name); value != "" {
			words = []string{"--" + name + "=" + value}
		}
		return words
	}
	var words []string
	switch tool {
	case "status":
		return []string{"ps", "--json"}
	case "logs":
		lines := 100
		if n := a.Number("lines"); n > 0 {
			lines = n
		}
		words = []string{"logs", "--json", "-n", strconv.Itoa(lines)}
		for _, name := range []string{"grep", "since", "cursor"} {
			words = append(words, option(name)...)
		}
	case "start":
		words = append([]string{"up", "-d"}, option("timeout")...)
	case "wait", "restart":
		words = append([]string{tool, "--json"}, option("timeout")...)
	case "stop":
		words = []string{"stop", "--json"}
	case "who":
		return []string{"who", "--json", "--", strconv.Itoa(a.Number("port"))}
	case "url":
		return []string{"url", "--", a.Text("service")}
	case "env":
		return []string{"env", "--json", "--", a.Text("service")}
	}
	return append(append(words, "--"), a.List("services")...)
}

// mcpGrace is how long a cancelled command may take to end.
const mcpGrace = 5 * time.Second

// callTool runs the command of a tool, as its own process: calls can then run at
// the same time, and be cancelled.
func (s session) callTool(ctx context.Context, program, tool string, a mcp.Arguments) (text string, failed bool) {
	var stdout, stderr bytes.Buffer
	path, err := system.LookPath(program, "", s.environ) // an upgrade may have removed it
	if err != nil {
		return err.Error(), true
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args = append([]string{os.Args[0]}, toolCommand(tool, a)...)
	cmd.Dir = a.Text("directory")
	cmd.Env = s.environ
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = mcpGrace
	err = cmd.Run()
	text = stdout.String() + stderr.String()
	if err != nil && strings.TrimSpace(text) == "" {
		text = err.Error()
	}
	return text, err != nil
}
