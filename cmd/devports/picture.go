package main

import (
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// picture is what the live view shows: what runs, and what its user has asked
// for. It is a value; press gives its successor.
type picture struct {
	title    string
	services []launcher.Status
	picked   string         // the service that is seen alone; "" for none
	match    *regexp.Regexp // only lines that match are seen; nil for all
	paused   bool           // no lines are seen
	typing   bool           // a filter: input is its text so far
	input    string
	help     bool   // the keys are shown
	notice   string // something to know, until the next key
}

// deed is what a key asks for beside another picture.
type deed int

const (
	doNothing  deed = iota
	doEnd           // end all services
	doLook          // show the stream as the picture has it now
	doLookSoon      // the same, unless more keys of that kind come
	doPause         // hold the stream
	doResume        // let it go on, from where it was held
	doRestart       // start the service aimed at anew
	doSwitch        // stop it, or start it
	doOpen          // open it in the browser
	doAttach        // type to it
	doRedraw        // clear the screen
)

// Keys that are no letters.
const (
	keyUp, keyDown        = "up", "down"
	keyEnter, keyEscape   = "enter", "escape"
	keyErase, keyEraseAll = "erase", "erase all"
	keyRedraw             = "redraw"
)

// sequences are what keys send that are no letters: those of ECMA-48 terminals,
// in both modes of the cursor keys.
var sequences = map[string]string{
	"\x1b[A": keyUp, "\x1bOA": keyUp, "\x1b[B": keyDown, "\x1bOB": keyDown,
	"\r": keyEnter, "\n": keyEnter, "\x1b": keyEscape,
	"\x7f": keyErase, "\b": keyErase, "\x15": keyEraseAll, "\f": keyRedraw,
}

// unknownKey is a sequence of a key that means nothing here.
var unknownKey = regexp.MustCompile(`^\x1b(\[[0-?]*[ -/]*[@-~]|O.)`)

// firstKey is the first key in what a terminal has sent, "" for one that means
// nothing, and how many bytes it takes.
func firstKey(sent []byte) (key string, n int) {
	if n = len(unknownKey.Find(sent)); n == 0 {
		_, n = utf8.DecodeRune(sent)
	}
	key, known := sequences[string(sent[:n])]
	if !known && sent[0] >= ' ' {
		key = string(sent[:n])
	}
	return key, n
}

// deeds are the keys that only ask for something.
var deeds = map[string]deed{
	"q": doEnd, "r": doRestart, "s": doSwitch, "o": doOpen, "a": doAttach, keyRedraw: doRedraw,
}

// press is what becomes of the picture when a key is pressed.
func (p picture) press(key string) (picture, deed) {
	p.notice = ""
	switch {
	case p.typing:
		return p.typeFilter(key)
	case key == "?":
		p.help = !p.help
		return p, doNothing
	}
	p.help = false
	if do, ok := deeds[key]; ok {
		if do != doEnd && do != doRedraw && p.target() == "" {
			p.notice = "pick a service first: 1-9 or ↑ ↓"
			return p, doNothing
		}
		return p, do
	}
	switch key {
	case "/":
		p.typing, p.input = true, ""
		return p, doNothing
	case "p":
		if p.paused = !p.paused; p.paused {
			return p, doPause
		}
		return p, doResume
	case keyUp, keyDown:
		return p.pickNext(key == keyUp), doLookSoon
	case keyEscape, "0":
		if p.picked == "" && p.match == nil {
			return p, doNothing
		}
		p.picked, p.match = "", nil
		return p, doLook
	}
	if n, err := strconv.Atoi(key); err == nil && n <= len(p.services) {
		p.picked = p.services[n-1].Service
		return p, doLook
	}
	return p, doNothing
}

// change is what becomes of the picture when the services are others. One that
// is not declared any more is picked no longer.
func (p picture) change(services []launcher.Status) (picture, deed) {
	p.services = services
	if p.picked == "" || slices.ContainsFunc(services, func(st launcher.Status) bool { return st.Service == p.picked }) {
		return p, doNothing
	}
	p.picked, p.notice = "", p.picked+" is not declared any more"
	return p, doLook
}

// typeFilter takes a key for the filter.
func (p picture) typeFilter(key string) (picture, deed) {
	switch key {
	case keyEscape:
		p.typing = false
	case keyErase:
		_, n := utf8.DecodeLastRuneInString(p.input)
		p.typing = p.input != "" // once more gives up
		p.input = p.input[:len(p.input)-n]
	case keyEraseAll:
		p.input = ""
	case keyEnter:
		match, err := regexp.Compile(p.input)
		if err != nil {
			p.notice = err.Error()
			return p, doNothing
		}
		p.typing = false
		if p.match = match; p.input == "" {
			p.match = nil
		}
		return p, doLook
	default:
		if utf8.RuneCountInString(key) == 1 {
			p.input += key
		}
	}
	return p, doNothing
}

// pickNext picks the next service, or the one before; after the last comes none.
func (p picture) pickNext(back bool) picture {
	names := []string{""}
	for _, st := range p.services {
		names = append(names, st.Service)
	}
	step := 1
	if back {
		step = len(names) - 1
	}
	p.picked = names[(max(slices.Index(names, p.picked), 0)+step)%len(names)]
	return p
}

// target is the service that keys are aimed at; "" if there are several.
func (p picture) target() string {
	if p.picked == "" && len(p.services) == 1 {
		return p.services[0].Service
	}
	return p.picked
}

// status is that of the service aimed at.
func (p picture) status() launcher.Status {
	for _, st := range p.services {
		if st.Service == p.target() {
			return st
		}
	}
	return launcher.Status{}
}

// lens is how the stream is shown.
func (p picture) lens() output.Lens {
	return output.Lens{Service: p.picked, Match: p.match, Nothing: p.paused}
}

// seen says what of the stream is seen.
func (p picture) seen() string {
	switch {
	case p.picked != "" && p.match != nil:
		return "only " + p.picked + ", and lines that match " + p.match.String()
	case p.picked != "":
		return "only " + p.picked
	case p.match != nil:
		return "only lines that match " + p.match.String()
	}
	return "everything again"
}
