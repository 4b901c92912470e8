//go:build unix

package system

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator/process"
)

// watchdogState is the state of a watchdog. devports sends it as lines:
//
//	variable NAME=value   the mark of the run, in the environment
//	run NUMBER            the tag of the run
//	outside ["NAME",…]    names of outside programs besides the built-in ones
//	terminal STATE        the initial state of the terminal at descriptor 3
//	attached, detached    a client is attached to a service, or not any more
//	+PID START            a process that leads a group
//	orphan PID START      an orphan that has left its group
//	-PID                  the process and its group have ended
type watchdogState struct {
	Variable string
	Run      process.Tag
	Outside  []string
	Terminal string
	Attached bool
	Leaders  map[int]process.ID
	Orphans  map[int]process.ID
}

func newWatchdogState() watchdogState {
	return watchdogState{Leaders: map[int]process.ID{}, Orphans: map[int]process.ID{}}
}

const attachedLine, detachedLine = "attached", "detached"

func leaderLine(id process.ID) string { return fmt.Sprintf("+%d %d", id.PID, id.Start) }

func orphanLine(id process.ID) string { return fmt.Sprintf("orphan %d %d", id.PID, id.Start) }

func outsideLine(names []string) string {
	text, err := json.Marshal(names)
	if err != nil {
		text = []byte("[]") // cannot happen: strings can be encoded
	}
	return "outside " + string(text)
}

func removeLine(pid int) string { return fmt.Sprintf("-%d", pid) }

// lines returns the lines that produce the state.
func (s watchdogState) lines() []byte {
	lines := []string{"variable " + s.Variable, fmt.Sprintf("run %d", s.Run)}
	if len(s.Outside) > 0 {
		lines = append(lines, outsideLine(s.Outside))
	}
	if s.Terminal != "" {
		lines = append(lines, "terminal "+s.Terminal)
	}
	if s.Attached {
		lines = append(lines, attachedLine)
	}
	for _, id := range s.Leaders {
		lines = append(lines, leaderLine(id))
	}
	for _, id := range s.Orphans {
		lines = append(lines, orphanLine(id))
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

var errLine = errors.New("invalid watchdog line")

// apply applies a line. An invalid line changes nothing.
func (s *watchdogState) apply(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case word == "variable":
		s.Variable = rest
	case word == "run":
		run, err := strconv.ParseUint(rest, 10, 64)
		if err != nil {
			return errLine
		}
		s.Run = process.Tag(run)
	case word == "outside":
		var names []string
		if json.Unmarshal([]byte(rest), &names) != nil {
			return errLine
		}
		s.Outside = names
	case word == "terminal":
		s.Terminal = rest
	case line == attachedLine, line == detachedLine:
		s.Attached = line == attachedLine
	case strings.HasPrefix(word, "+"):
		return add(s.Leaders, line[1:])
	case word == "orphan":
		return add(s.Orphans, rest)
	case strings.HasPrefix(word, "-"):
		pid, err := strconv.Atoi(word[1:])
		if err != nil || rest != "" {
			return errLine
		}
		delete(s.Leaders, pid)
		delete(s.Orphans, pid)
	default:
		return errLine
	}
	return nil
}

// add parses "PID START".
func add(to map[int]process.ID, text string) error {
	number, rest, _ := strings.Cut(text, " ")
	pid, err1 := strconv.Atoi(number)
	start, err2 := strconv.ParseInt(rest, 10, 64)
	if err1 != nil || err2 != nil || pid <= 0 {
		return errLine
	}
	to[pid] = process.ID{PID: pid, Start: start}
	return nil
}
