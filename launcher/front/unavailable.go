package front

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher"
)

// pageLines is how many lines of a service's output a page shows.
const pageLines = 20

// loop responds to a request that has come back.
func (p *pages) loop(w http.ResponseWriter, r *http.Request, b backend) {
	content := p.about(b)
	content.Title, content.Error = "Loop", fmt.Sprintf("a request for %s came back: %[1]s forwards it to itself", b.service.Name)
	content.Hints = []pointer{{"its proxy forwards to its own address, or keeps the Host header of the request: use URL_<NAME> of the other service, or set changeOrigin: true", ""}}
	p.write(w, r, http.StatusLoopDetected, content)
}

// about describes the service of a backend.
func (p *pages) about(b backend) page {
	s, about := b.service, b.run.about
	return page{
		Service: s.Name, Project: about.Project, Worktree: about.Worktree, SiteURL: p.url(about.Site),
		State: string(s.State), Port: s.Port, Restarts: s.Restarts, Exit: s.Exit,
	}
}

// unavailable responds for a service that does not respond.
func (p *pages) unavailable(w http.ResponseWriter, r *http.Request, b backend, err error) {
	content := p.about(b)
	own := isOwn(r)
	dir := ""
	if own {
		content.Directory = b.run.about.Directory
		dir = " --dir " + text.QuoteArg(content.Directory)
	}
	status := http.StatusServiceUnavailable
	if failure := describe(r, b, err); failure != "" {
		status = http.StatusBadGateway
		content.Title, content.Error = b.service.Name+" cannot be reached", failure
		content.Hints = []pointer{{"to see which process has the port", "devports who " + strconv.Itoa(b.service.Port)}}
	} else {
		content.explain(*b.service, dir)
		if takenFrom(*b.service) {
			content.Hints = append([]pointer{{
				fmt.Sprintf("another process has port %d; if %s needs it, stop that process first", b.service.Port, b.service.Name),
				"devports who " + strconv.Itoa(b.service.Port),
			}}, content.Hints...)
		}
		content.ShowLines = own && content.State != string(launcher.StateStopped) && content.State != string(launcher.StateDone)
		w.Header().Set("Retry-After", retryAfter(*b.service))
	}
	if content.ShowLines {
		content.Lines = b.run.lines(r.Context(), *b.service, pageLines)
	}
	p.write(w, r, status, content)
}

// takenFrom reports whether something listens on the port of a service that has
// no process: the service may have ended because of that.
func takenFrom(s Service) bool {
	if s.Port == 0 || s.State != launcher.StateFailed && s.State != launcher.StateBackoff {
		return false
	}
	sockets, err := holder.Sockets(s.Port)
	return err == nil && len(sockets) > 0
}

// retryAfter is when a request may succeed, in seconds.
func retryAfter(s Service) string {
	left := 1
	if s.State == launcher.StateBackoff {
		left = max(left, int((time.Until(s.RestartAt)+time.Second-1)/time.Second))
	}
	return strconv.Itoa(left)
}

// explain says why a service does not respond, and what to do.
func (c *page) explain(s Service, dir string) {
	detail := s.Detail
	switch s.State {
	case launcher.StateFailed:
		c.Title = s.Name + " has failed"
		c.Hints = []pointer{
			{"devports does not restart it; after fixing the cause", "devports restart" + dir + " " + s.Name},
			{"for all its output", "devports logs" + dir + " " + s.Name},
		}
	case launcher.StateDone:
		c.Title = s.Name + " is done"
		c.Hints = []pointer{{"to run it again", "devports start" + dir + " " + s.Name}}
	case launcher.StateStopped:
		c.Title = s.Name + " is stopped"
		c.Hints = []pointer{{"to start it", "devports start" + dir + " " + s.Name}}
	case launcher.StateBackoff:
		c.Title, c.RestartAt, c.Urgent, detail = s.Name+" is restarting", s.RestartAt, true, s.Exit
		c.Hints = []pointer{{"to start it at once", "devports restart" + dir + " " + s.Name}}
	case launcher.StateStopping:
		c.Title, c.Urgent = s.Name+" is stopping", true
	case launcher.StateWaiting:
		c.Title, c.Urgent = s.Name+" is waiting", true
	case launcher.StateReady:
		c.Title, c.Urgent, detail = s.Name+" does not respond", true, fmt.Sprintf("it runs, but nothing listens on port %d", s.Port)
	default:
		c.Title, c.Urgent = s.Name+" is starting", true
		if len(s.WrongPorts) > 0 {
			c.Title = s.Name + " listens on another port"
			c.Hints = []pointer{
				{"use $PORT in its command, for example", "command = \"npx vite --port $PORT --strictPort\""},
				{"until then, it is on " + numbers(s.WrongPorts), fmt.Sprintf("http://localhost:%d", s.WrongPorts[0])},
			}
		}
	}
	c.Error, c.Detail = c.Title, detail
	switch {
	case detail != "" && s.State == launcher.StateWaiting: // "waits for db"
		c.Error = s.Name + " " + detail
	case detail != "":
		c.Error += ": " + detail
	}
}

func numbers(ports []int) string {
	var words []string
	for _, port := range ports {
		words = append(words, strconv.Itoa(port))
	}
	return text.Join(words, "and")
}
