package view

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
)

// model is the state of the live view: the services, and what the user has
// selected. It is a value; press returns its successor.
type model struct {
	title    string
	size     terminal.Size     // of the terminal when the user pressed a key
	leaves   bool              // the run continues without the view: key d
	services []launcher.Status // in the order of the file
	picked   string            // the only service shown; "" for all
	match    *regexp.Regexp    // only matching lines are shown; nil for all
	paused   bool              // no lines are shown
	prompt   prompt            // what the user is typing
	input    string            // the text so far
	help     bool              // the keys are shown
	panel    panel             // what is shown instead of the services
	details  launcher.Details  // of the service in the panel, or of an earlier one
	load     string            // how much CPU it uses; "" if that is not known
	revealed bool              // secrets in the panel are shown
	scroll   int               // the first variable in the panel
	asking   bool              // the next key confirms or cancels quitting
	quitting bool              // the user has confirmed it
	warning  string            // a persistent warning; "" for none
	notice   string            // a message until the next key; "" for none
}

// command is an effect of a key, in addition to the new model.
type command int

const (
	cmdNothing           command = iota
	cmdInterrupt                 // stop all services
	cmdAsk                       // ask before that, for askDelay
	cmdLeave                     // leave the view
	cmdFilter                    // apply the model's filter to the stream
	cmdFilterSoon                // the same, unless more such keys follow
	cmdPause                     // pause the stream
	cmdResume                    // resume the stream from where it was paused
	cmdRestart                   // restart the targeted service
	cmdRestartDependents         // the same, with its dependents
	cmdToggle                    // stop it, or start it
	cmdOpen                      // open it in the browser
	cmdAttach                    // type into it
	cmdPage                      // show its log in a pager
	cmdInspect                   // inspect it, for the panel
	cmdRedraw                    // clear the screen
)

// commands are the keys that do not change the model.
var commands = map[string]command{
	"r": cmdRestart, "R": cmdRestartDependents, "s": cmdToggle, "o": cmdOpen, "a": cmdAttach, "l": cmdPage, keyRedraw: cmdRedraw,
}

// pickFirst is the notice for keys that need a service.
const pickFirst = "pick a service first: 1-9, g or ↑ ↓"

// press returns the model after a key, and the command of the key.
func (m model) press(key string) (model, command) {
	m.notice = ""
	switch {
	case m.asking:
		return m.confirm(key)
	case m.prompt != promptNone:
		return m.typed(key)
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
		if do != cmdRedraw && m.target() == "" {
			m.notice = pickFirst
			return m, cmdNothing
		}
		return m, do
	}
	switch key {
	case "q":
		return m.quit()
	case "/":
		m.prompt, m.input = promptFilter, ""
		return m, cmdNothing
	case "g":
		m.prompt, m.input = promptGo, ""
		return m, cmdNothing
	case "i":
		return m.toggle(panelDetails)
	case "e":
		return m.environmentKey()
	case "p":
		if m.paused = !m.paused; m.paused {
			return m, cmdPause
		}
		return m, cmdResume
	case keyUp, keyDown:
		if m.panel == panelEnvironment {
			return m.scrolled(map[string]int{keyUp: -1, keyDown: 1}[key]), cmdNothing
		}
		return m.pickNext(key == keyUp), cmdFilterSoon
	case keyEscape, "0":
		if m.panel != panelNone {
			m.panel = panelNone
			return m, cmdNothing
		}
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

// quit asks before all services are stopped, or killed if they are already
// stopping. Without a service that runs there is nothing to ask.
func (m model) quit() (model, command) {
	if m.live() == 0 {
		return m, cmdInterrupt
	}
	m.asking = true
	return m, cmdAsk
}

// confirm handles the key after the question of quit. Other keys than q, Enter
// and y, and d if it leaves, cancel and have no other effect.
func (m model) confirm(key string) (model, command) {
	m.asking = false
	if key == "d" && m.leaves {
		return m, cmdLeave
	}
	if key == "q" || key == keyEnter || key == "y" {
		m.quitting = true
		return m, cmdInterrupt
	}
	return m, cmdNothing
}

// live is the number of services that have not ended.
func (m model) live() (n int) {
	for _, st := range m.services {
		if !st.Ended() {
			n++
		}
	}
	return n
}

// change returns the model with other services. If the picked service is no
// longer declared, all are shown.
func (m model) change(services []launcher.Status) (model, command) {
	m.services = slices.Clone(services)
	slices.SortStableFunc(m.services, func(a, b launcher.Status) int { return a.Position - b.Position })
	if m.picked == "" || slices.ContainsFunc(services, func(st launcher.Status) bool { return st.Service == m.picked }) {
		return m, cmdNothing
	}
	m.picked, m.notice = "", m.picked+" is no longer declared"
	return m, cmdFilter
}

// pickNext picks the next or the previous row, with none after the last.
func (m model) pickNext(back bool) model {
	names := []string{""}
	for _, i := range m.order() {
		names = append(names, m.services[i].Service)
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
