package front

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/text"
)

// describe says why a request was not answered although its service may run; ""
// if it does not listen.
func describe(r *http.Request, b backend, err error) string {
	var wrong *wrongListenerError
	var invalid statusError
	switch {
	case errors.Is(err, errNotListening), errors.Is(err, errChanged):
		return ""
	case errors.As(err, &wrong):
		return wrong.describe(r, b)
	case errors.As(err, &invalid):
		return fmt.Sprintf("the response of %s has the %v", b.service.Name, invalid)
	case errors.Is(err, errNoResponse):
		return fmt.Sprintf("cannot check that %s is the service of this checkout: %v", b.service.Name, err)
	}
	return fmt.Sprintf("the response of %s is incomplete: %v", b.service.Name, err)
}

// describe names who listens on the port.
func (e *wrongListenerError) describe(r *http.Request, b backend) string {
	words := fmt.Sprintf("port %d of %s is held by a process that %s did not start", e.port, b.service.Name, b.service.Name)
	listening, _ := holder.Listening(r.Context(), e.port)
	var who []string
	for _, p := range listening[e.port] {
		switch {
		case p.PID == 0 && p.User != "":
			who = append(who, "a process of user "+p.User)
		case p.PID != 0:
			command := text.OneLine(p.Command)
			if len(command) > 60 {
				command = strings.ToValidUTF8(command[:60], "") + "…"
			}
			who = append(who, fmt.Sprintf("pid %d (%s)", p.PID, command))
		}
	}
	if len(who) > 0 {
		words += ": " + text.Join(who, "and")
	}
	return words
}
