package front

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	_ "embed"

	"github.com/devports/devports/launcher"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what a page and its JSON show.
type page struct {
	Title    string `json:"-"`
	Error    string `json:"error,omitempty"`
	Hint     string `json:"hint,omitempty"`
	Service  string `json:"service,omitempty"`
	Project  string `json:"project,omitempty"`
	Worktree string `json:"worktree,omitempty"`
	State    string `json:"state,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Reload   bool   `json:"-"`

	Sites []pageSite `json:"checkouts,omitempty"`
}

// pageSite is a checkout with its services.
type pageSite struct {
	Project   string        `json:"project"`
	Worktree  string        `json:"worktree,omitempty"`
	Directory string        `json:"directory,omitempty"`
	URL       string        `json:"url"`
	Services  []pageService `json:"services"`
}

type pageService struct {
	Name    string         `json:"name"`
	Address string         `json:"address,omitempty"`
	State   launcher.State `json:"state"`
	Detail  string         `json:"detail,omitempty"`
}

// Title names a checkout.
func (s pageSite) Title() string {
	if s.Worktree == "" {
		return s.Project
	}
	return s.Project + " (" + s.Worktree + ")"
}

// Link is the address of a service, if it is a URL.
func (s pageService) Link() string {
	if strings.HasPrefix(s.Address, "http://") {
		return s.Address
	}
	return ""
}

// pages are what the front itself responds.
type pages struct{ port int }

// sites lists checkouts, without their directories.
func (p *pages) sites(list []site) []pageSite {
	sites := []pageSite{}
	for _, s := range list {
		about := s.run.about
		listed := pageSite{Project: about.Project, Worktree: about.Worktree, URL: p.url(about.Site), Services: []pageService{}}
		for _, service := range s.services {
			listed.Services = append(listed.Services, pageService{service.Name, service.Address, service.State, service.Detail})
		}
		sites = append(sites, listed)
	}
	return sites
}

func (p *pages) url(site string) string { return fmt.Sprintf("http://%s.localhost:%d", site, p.port) }

// wantsPage reports whether the client is a person's browser that opens a page.
func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// write responds with a page, or the same as JSON or text.
func (p *pages) write(w http.ResponseWriter, r *http.Request, status int, content page) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Add("Vary", "Accept")
	if r.ContentLength != 0 {
		h.Set("Connection", "close") // the body has not been read
	}
	if h.Get(headerWho) == "" {
		h.Set(headerWho, "-")
	}
	switch {
	case wantsPage(r):
		h.Set("Content-Type", "text/html; charset=utf-8")
		if content.Reload {
			h.Set("Refresh", "1")
		}
		w.WriteHeader(status)
		_ = pageTemplate.Execute(w, content) // fails if the client has gone
	case wantsJSON(r):
		h.Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(content)
	default:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprint(w, content.text())
	}
}

// text formats a page for a terminal.
func (c page) text() string {
	var b strings.Builder
	if c.Error != "" {
		fmt.Fprintf(&b, "devports: %s\n", c.Error)
	}
	if c.Hint != "" {
		fmt.Fprintf(&b, "devports: hint: %s\n", c.Hint)
	}
	for _, s := range c.Sites {
		fmt.Fprintf(&b, "%s  %s\n", s.Title(), s.URL)
		for _, service := range s.Services {
			fmt.Fprintf(&b, "  %s  %s  %s\n", service.Name, service.State, service.Address)
		}
	}
	return b.String()
}

// home responds with all checkouts.
func (p *pages) home(w http.ResponseWriter, r *http.Request, routes *routes) {
	content := page{Title: "devports", Sites: p.sites(routes.list())}
	if len(content.Sites) == 0 {
		content.Hint = "to start a project: devports up"
	}
	p.write(w, r, http.StatusOK, content)
}

// site responds with the services of a checkout. Its host is a parent domain of
// the hosts of services, so that it has neither cookies nor logs.
func (p *pages) site(w http.ResponseWriter, r *http.Request, s site) {
	listed := p.sites([]site{s})
	p.write(w, r, http.StatusOK, page{Title: listed[0].Title(), Sites: listed})
}

// unknown responds to a name that is not known.
func (p *pages) unknown(w http.ResponseWriter, r *http.Request, routes *routes, n name) {
	content := page{Title: "Unknown name", Sites: p.sites(routes.list())}
	switch s, ok := routes.sites[n.site]; {
	case n.kind == nameService && ok:
		content.Error = fmt.Sprintf("%s has no running service with the host %s", pageSite{Project: s.run.about.Project, Worktree: s.run.about.Worktree}.Title(), n.service)
		content.Sites = p.sites([]site{s})
	case n.site != "":
		content.Error = fmt.Sprintf("no checkout named %s is running", n.site)
		content.Hint = "to start it, in its folder: devports up"
	default:
		content.Error = "devports needs the name of a service"
		content.Hint = fmt.Sprintf("open http://%s.localhost:%d", Home, p.port)
	}
	p.write(w, r, http.StatusNotFound, content)
}

// foreign responds to a host that is not a name of this machine. It lists
// nothing: a stranger's web page can make its own name resolve to 127.0.0.1.
func (p *pages) foreign(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, http.StatusNotFound, page{
		Title: "Unknown name", Error: "this host is not a name of devports",
		Hint: fmt.Sprintf("names end in .localhost; open http://%s.localhost:%d", Home, p.port),
	})
}

// loop responds to a request that has come back.
func (p *pages) loop(w http.ResponseWriter, r *http.Request, b backend) {
	p.write(w, r, http.StatusLoopDetected, page{
		Title: "Loop", Error: fmt.Sprintf("%s forwards requests to itself", b.service.Name),
		Hint:    "its proxy setting names its own address, or keeps the Host of the request: use URL_<NAME> of the other service, or set changeOrigin",
		Service: b.service.Name, Project: b.run.about.Project, Worktree: b.run.about.Worktree,
	})
}

// unavailable responds for a service that does not answer.
func (p *pages) unavailable(w http.ResponseWriter, r *http.Request, b backend, err error) {
	s, about := b.service, b.run.about
	content := page{Service: s.Name, Project: about.Project, Worktree: about.Worktree, State: string(s.State), Detail: s.Detail}
	status, title := http.StatusServiceUnavailable, ""
	dir := ""
	if about.Worktree != "" || about.Directory != "" {
		dir = " --dir " + strconv.Quote(about.Directory)
	}
	switch failure := describe(r, b, err); {
	case failure != "":
		status, title, content.Error = http.StatusBadGateway, s.Name+" cannot be reached", failure
	case s.State == launcher.StateFailed:
		title, content.Error, content.Hint = s.Name+" has failed", s.Name+" has failed", "devports logs "+s.Name
	case s.State == launcher.StateStopped, s.State == launcher.StateDone:
		title, content.Error, content.Hint = s.Name+" is stopped", s.Name+" is stopped", "to start it: devports start"+dir+" "+s.Name
	case s.State == launcher.StateBackoff:
		title, content.Error, content.Reload = s.Name+" restarts", s.Name+" has ended and restarts", true
	default:
		title, content.Error, content.Reload = s.Name+" is starting", s.Name+" does not listen on its port yet", true
	}
	if content.Detail != "" && status == http.StatusServiceUnavailable {
		content.Error += ": " + content.Detail
	}
	content.Title = title
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	p.write(w, r, status, content)
}
