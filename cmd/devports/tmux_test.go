package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdTmux drives a terminal whose screen scripts can check, with tmux:
//
//	tmux start COLUMNSxROWS COMMAND…  runs a shell command on a terminal
//	tmux keys KEY…                    presses keys, by tmux's names or as text
//	tmux await REGEXP                 waits until the screen matches
//	tmux screen                       writes the screen to stdout
//	tmux history                      writes the screen to stdout, after all that has scrolled out of it
//	tmux resize COLUMNSxROWS
func cmdTmux(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: tmux start|keys|await|screen|history|resize …")
	}
	verb, args := args[0], args[1:]
	switch verb {
	case "start", "resize":
		size := regexp.MustCompile(`^(\d+)x(\d+)$`).FindStringSubmatch(args[0])
		if size == nil {
			ts.Fatalf("%s is no size", args[0])
		}
		if verb == "resize" {
			tmux(ts, "resize-window", "-x", size[1], "-y", size[2])
			return
		}
		ts.Defer(func() { _ = tmuxCommand(ts, "kill-server").Run() })
		tmux(ts, append([]string{"-f", "/dev/null", "new-session", "-d", "-x", size[1], "-y", size[2], "-c", ts.MkAbs(".")}, args[1:]...)...)
	case "keys":
		tmux(ts, append([]string{"send-keys"}, args...)...)
	case "await":
		pattern, err := regexp.Compile("(?m)" + args[0])
		ts.Check(err)
		screen := ""
		for end := time.Now().Add(patience); !pattern.MatchString(screen); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				ts.Fatalf("the screen does not match %q after %v:\n%s", args[0], patience, screen)
			}
			screen = tmux(ts, "capture-pane", "-p")
		}
	case "screen":
		_, err := ts.Stdout().Write([]byte(tmux(ts, "capture-pane", "-p")))
		ts.Check(err)
	case "history":
		_, err := ts.Stdout().Write([]byte(tmux(ts, "capture-pane", "-p", "-J", "-S", "-")))
		ts.Check(err)
	default:
		ts.Fatalf("tmux %s is unknown", verb)
	}
}

// tmuxCommand calls the script's own tmux server.
func tmuxCommand(ts *testscript.TestScript, args ...string) *exec.Cmd {
	cmd := exec.Command("tmux", append([]string{"-u", "-S", filepath.Join(ts.Getenv("WORK"), "tmux")}, args...)...)
	cmd.Env = scriptEnv(ts)
	return cmd
}

func tmux(ts *testscript.TestScript, args ...string) (out string) {
	text, err := tmuxCommand(ts, args...).CombinedOutput()
	if err != nil {
		ts.Fatalf("tmux %q: %v\n%s", args, err, text)
	}
	return string(text)
}
