package view

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// prompt is what the user is typing in the header.
type prompt int

const (
	promptNone   prompt = iota
	promptFilter        // the regular expression of a filter
	promptGo            // the name of a service, or its first letters
)

// typed adds a key to the input of the prompt.
func (m model) typed(key string) (model, command) {
	switch key {
	case keyEscape:
		m.prompt = promptNone
	case keyErase:
		if m.input == "" {
			m.prompt = promptNone
		}
		_, n := utf8.DecodeLastRuneInString(m.input)
		m.input = m.input[:len(m.input)-n]
	case keyEraseAll:
		m.input = ""
	case keyEnter:
		if m.prompt == promptGo {
			return m.goTo()
		}
		return m.filterBy()
	default:
		if utf8.RuneCountInString(key) == 1 {
			m.input += key
		}
	}
	return m, cmdNothing
}

// filterBy applies the regular expression that was typed.
func (m model) filterBy() (model, command) {
	match, err := regexp.Compile(m.input)
	if err != nil {
		m.notice = err.Error()
		return m, cmdNothing
	}
	m.prompt = promptNone
	if m.match = match; m.input == "" {
		m.match = nil
	}
	return m, cmdFilter
}

// goTo picks the service whose name was typed.
func (m model) goTo() (model, command) {
	found := m.candidates()
	switch {
	case m.input == "":
		m.prompt = promptNone
		return m, cmdNothing
	case len(found) == 0:
		m.notice = "no service begins with " + m.input
		return m, cmdNothing
	}
	m.prompt, m.picked = promptNone, found[0]
	return m, cmdFilter
}

// candidates are the services whose names begin with what was typed, best
// first, and after them those whose names contain it.
func (m model) candidates() []string {
	var exact, first, within []string
	input := strings.ToLower(m.input)
	for _, st := range m.services {
		switch name := strings.ToLower(st.Service); {
		case st.Service == m.input:
			exact = append(exact, st.Service)
		case strings.HasPrefix(name, input):
			first = append(first, st.Service)
		case strings.Contains(name, input):
			within = append(within, st.Service)
		}
	}
	return append(append(exact, first...), within...)
}
