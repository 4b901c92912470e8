package view

import (
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// model is the state of the live view: the services, and what the user has
// selected. It is a value; press returns its successor.
type model struct {
	title    string
	leaves   bool // the run continues without the view: key d
	services []launcher.Status
	picked   string         // the only service shown; "" for all
	match    *regexp.Regexp // only matching lines are shown; nil for all
	paused   bool           // no lines are shown
	typing   bool           // the user is typing a filter
	input    string         // the filter so far
	help     bool           // the keys are shown
	warning  string         // a persistent warning; "" for none
	notice   string         // a message until the next key; "" for none
}

// command is an effect of a key, in addition to the new model.
type command int

const (
	cmdNothing           command = iota
	cmdInterrupt                 // stop all services
	cmdLeave                     // leave the view
	cmdFilter                    // apply the model's filter to the stream
	cmdFilterSoon                // the same, unless more such keys follow
	cmdPause                     // pause the stream
	cmdResume                    // resume the stream from where it was paused
	cmdRestart                   // restart the targeted service
	cmdRestartDependents         // the same, with its dependents
	cmdToggle                    // stop it, or start it
	cmdOpen                      // open it in the browser
	cmdAttach                    // type to it
	cmdRedraw                    // clear the screen
)

// commands are the keys that do not change the model.
var commands = map[string]command{
	"q": cmdInterrupt, "r": cmdRestart, "R": cmdRestartDependents, "s": cmdToggle, "o": cmdOpen, "a": cmdAttach, keyRedraw: cmdRedraw,
}

// press returns the model after a key, and the command of the key.
func (m model) press(key string) (model, command) {
	m.notice = ""
	switch {
	case m.typing:
		return m.typeFilter(key)
	case key == "?":
		m.help = !m.help
		return m, cmdNothing
	}
	m.help = false
	if key == "d" {
		if m.leaves {
			return m, cmdLeave
		}
		m.notice = "cannot leave: the run was not started with -d, and ends with this terminal"
		return m, cmdNothing
	}
	if do, ok := commands[key]; ok {
		if do != cmdInterrupt && do != cmdRedraw && m.target() == "" {
			m.notice = "pick a service first: 1-9 or ↑ ↓"
			return m, cmdNothing
		}
		return m, do
	}
	switch key {
	case "/":
		m.typing, m.input = true, ""
		return m, cmdNothing
	case "p":
		if m.paused = !m.paused; m.paused {
			return m, cmdPause
		}
		return m, cmdResume
	case keyUp, keyDown:
		return m.pickNext(key == keyUp), cmdFilterSoon
	case keyEscape, "0":
		if m.picked == "" && m.match == nil {
			return m, cmdNothing
		}
		m.picked, m.match = "", nil
		return m, cmdFilter
	}
	if n, err := strconv.Atoi(key); err == nil && n <= len(m.services) {
		m.picked = m.services[n-1].Service
		return m, cmdFilter
	}
	return m, cmdNothing
}

// change returns the model with other services. If the picked service is no
// longer declared, all are shown.
func (m model) change(services []launcher.Status) (model, command) {
	m.services = services
	if m.picked == "" || slices.ContainsFunc(services, func(st launcher.Status) bool { return st.Service == m.picked }) {
		return m, cmdNothing
	}
	m.picked, m.notice = "", m.picked+" is no longer declared"
	return m, cmdFilter
}

// typeFilter adds a key to the filter.
func (m model) typeFilter(key string) (model, command) {
	switch key {
	case keyEscape:
		m.typing = false
	case keyErase:
		_, n := utf8.DecodeLastRuneInString(m.input)
		m.typing = m.input != "" // erasing an empty filter cancels
		m.input = m.input[:len(m.input)-n]
	case keyEraseAll:
		m.input = ""
	case keyEnter:
		match, err := regexp.Compile(m.input)
		if err != nil {
			m.notice = err.Error()
			return m, cmdNothing
		}
		m.typing = false
		if m.match = match; m.input == "" {
			m.match = nil
		}
		return m, cmdFilter
	default:
		if utf8.RuneCountInString(key) == 1 {
			m.input += key
		}
	}
	return m, cmdNothing
}

// pickNext picks the next or the previous service, with none after the last.
func (m model) pickNext(back bool) model {
	names := []string{""}
	for _, st := range m.services {
		names = append(names, st.Service)
	}
	step := 1
	if back {
		step = len(names) - 1
	}
	m.picked = names[(max(slices.Index(names, m.picked), 0)+step)%len(names)]
	return m
}

// target is the service that keys apply to; "" if none is picked of several.
func (m model) target() string {
	if m.picked == "" && len(m.services) == 1 {
		return m.services[0].Service
	}
	return m.picked
}

// status is the status of the targeted service.
func (m model) status() launcher.Status {
	for _, st := range m.services {
		if st.Service == m.target() {
			return st
		}
	}
	return launcher.Status{}
}

// filter is the filter of the stream.
func (m model) filter() output.Filter {
	return output.Filter{Service: m.picked, Match: m.match, Nothing: m.paused}
}

// shown describes which part of the stream is shown.
func (m model) shown() string {
	switch {
	case m.picked != "" && m.match != nil:
		return "only " + m.picked + ", lines matching " + m.match.String()
	case m.picked != "":
		return "only " + m.picked
	case m.match != nil:
		return "only lines matching " + m.match.String()
	}
	return "all output"
}
