package view

import (
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// model is what the live view shows: what runs, and what its user has asked
// for. It is a value; press gives its successor.
type model struct {
	title    string
	services []launcher.Status
	picked   string         // the service that is seen alone; "" for none
	match    *regexp.Regexp // only lines that match are seen; nil for all
	paused   bool           // no lines are seen
	typing   bool           // a filter: input is its text so far
	input    string
	help     bool   // the keys are shown
	warning  string // what is wrong, until that is over; "" for nothing
	notice   string // something to know, until the next key
}

// command is what a key asks for beside another model.
type command int

const (
	cmdNothing           command = iota
	cmdInterrupt                 // end all services
	cmdFilter                    // show the stream as the model has it now
	cmdFilterSoon                // the same, unless more keys of that kind come
	cmdPause                     // hold the stream
	cmdResume                    // let it go on, from where it was held
	cmdRestart                   // start the service aimed at anew
	cmdRestartDependents         // the same, and what depends on it
	cmdToggle                    // stop it, or start it
	cmdOpen                      // open it in the browser
	cmdAttach                    // type to it
	cmdRedraw                    // clear the screen
)

// commands are the keys that only ask for something.
var commands = map[string]command{
	"q": cmdInterrupt, "r": cmdRestart, "R": cmdRestartDependents, "s": cmdToggle, "o": cmdOpen, "a": cmdAttach, keyRedraw: cmdRedraw,
}

// press is what becomes of the model when a key is pressed.
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

// change is what becomes of the model when the services are others. One that
// is not declared any more is picked no longer.
func (m model) change(services []launcher.Status) (model, command) {
	m.services = services
	if m.picked == "" || slices.ContainsFunc(services, func(st launcher.Status) bool { return st.Service == m.picked }) {
		return m, cmdNothing
	}
	m.picked, m.notice = "", m.picked+" is not declared any more"
	return m, cmdFilter
}

// typeFilter takes a key for the filter.
func (m model) typeFilter(key string) (model, command) {
	switch key {
	case keyEscape:
		m.typing = false
	case keyErase:
		_, n := utf8.DecodeLastRuneInString(m.input)
		m.typing = m.input != "" // once more gives up
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

// pickNext picks the next service, or the one before; after the last comes none.
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

// target is the service that keys are aimed at; "" if there are several.
func (m model) target() string {
	if m.picked == "" && len(m.services) == 1 {
		return m.services[0].Service
	}
	return m.picked
}

// status is that of the service aimed at.
func (m model) status() launcher.Status {
	for _, st := range m.services {
		if st.Service == m.target() {
			return st
		}
	}
	return launcher.Status{}
}

// filter is how the stream is shown.
func (m model) filter() output.Filter {
	return output.Filter{Service: m.picked, Match: m.match, Nothing: m.paused}
}

// seen says what of the stream is seen.
func (m model) seen() string {
	switch {
	case m.picked != "" && m.match != nil:
		return "only " + m.picked + ", and lines that match " + m.match.String()
	case m.picked != "":
		return "only " + m.picked
	case m.match != nil:
		return "only lines that match " + m.match.String()
	}
	return "everything again"
}
