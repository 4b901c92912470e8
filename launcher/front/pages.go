package front

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/launcher"
)

// page is what a page and its JSON show.
type page struct {
	Title     string     `json:"-"`
	Error     string     `json:"error,omitempty"`
	Hints     []pointer  `json:"hints,omitempty"`
	Service   string     `json:"service,omitempty"`
	Project   string     `json:"project,omitempty"`
	Worktree  string     `json:"worktree,omitempty"`
	State     string     `json:"state,omitempty"`
	Detail    string     `json:"detail,omitempty"` // why it does not respond
	Exit      string     `json:"exit,omitempty"`   // how its latest process ended
	Port      int        `json:"port,omitempty"`
	Restarts  int        `json:"restarts,omitempty"`
	RestartAt time.Time  `json:"restart_at,omitzero"`
	Directory string     `json:"directory,omitempty"` // for its user only
	Lines     []string   `json:"lines,omitempty"`     // for its user only
	Sites     []pageSite `json:"checkouts,omitempty"`

	SiteURL   string `json:"-"` // of the page of Project
	ShowLines bool   `json:"-"`
	Urgent    bool   `json:"-"` // it changes soon
}

// pointer is what the reader can do: a text, and a command to type or a URL.
type pointer struct {
	Text    string
	Command string
}

func (p pointer) String() string {
	if p.Command == "" {
		return p.Text
	}
	return p.Text + ": " + p.Command
}

// MarshalText makes a pointer one string.
func (p pointer) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Link is the command, if it is a URL.
func (p pointer) Link() string { return link(p.Command) }

// pageSite is a checkout with its services.
type pageSite struct {
	Project  string        `json:"project"`
	Worktree string        `json:"worktree,omitempty"`
	URL      string        `json:"url"`
	Services []pageService `json:"services"`
}

type pageService struct {
	Name    string         `json:"name"`
	Address string         `json:"address,omitempty"`
	State   launcher.State `json:"state"`
	Detail  string         `json:"detail,omitempty"`
}

// Title names a checkout.
func (s pageSite) Title() string { return siteTitle(s.Project, s.Worktree) }

func siteTitle(project, worktree string) string {
	if worktree == "" {
		return project
	}
	return project + " (" + worktree + ")"
}

// Link is the address of a service, if it is a URL.
func (s pageService) Link() string { return link(s.Address) }

func link(address string) string {
	if strings.HasPrefix(address, "http://") {
		return address
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
			detail := service.Detail
			if service.State == launcher.StateBackoff {
				detail = service.Exit // the detail counts down
			}
			listed.Services = append(listed.Services, pageService{service.Name, service.Address, service.State, detail})
		}
		sites = append(sites, listed)
	}
	return sites
}

func (p *pages) url(site string) string { return fmt.Sprintf("http://%s.localhost:%d", site, p.port) }

func (p *pages) home() pointer { return pointer{"all checkouts that are running", p.url(Home)} }

// headerPage is on requests of a page's script, with the version of the page.
// The front responds to them itself.
const headerPage = "X-Devports-Page"

// wantsPage reports whether the client is a person's browser that opens a page.
func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get(headerPage) == ""
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// isOwn reports whether the client is a process of this user. Other users can
// connect, too.
func isOwn(r *http.Request) bool { return userOf(r) == ownUser() }

func ownUser() string { return strconv.Itoa(os.Geteuid()) }

// userOf returns the user of the client; "" if that is not known.
func userOf(r *http.Request) string {
	client, err := netip.ParseAddrPort(r.RemoteAddr)
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if err != nil || !ok {
		return ""
	}
	return holder.UserOf(client, local.AddrPort())
}

// write responds with a page, or the same as JSON or text.
func (p *pages) write(w http.ResponseWriter, r *http.Request, status int, content page) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", contentPolicy())
	h.Add("Vary", "Accept")
	if r.ContentLength != 0 {
		h.Set("Connection", "close") // the body has not been read
	}
	if h.Get(headerService) == "" {
		h.Set(headerService, "-")
	}
	switch {
	case r.Header.Get(headerPage) != "":
		h.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(pageState{version(content), content.Lines})
	case wantsPage(r):
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_ = p.render(w, content) // fails if the client has gone
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
	for _, h := range c.Hints {
		fmt.Fprintf(&b, "devports: hint: %s\n", h)
	}
	for _, line := range c.Lines {
		fmt.Fprintf(&b, "%s | %s\n", c.Service, line)
	}
	for _, s := range c.Sites {
		fmt.Fprintf(&b, "%s  %s\n", s.Title(), s.URL)
		for _, service := range s.Services {
			fmt.Fprintf(&b, "  %s  %s  %s\n", service.Name, service.State, service.Address)
		}
	}
	return b.String()
}

// all responds with all checkouts.
func (p *pages) all(w http.ResponseWriter, r *http.Request, routes *routes) {
	content := page{Title: "Checkouts", Sites: p.sites(routes.list())}
	if len(content.Sites) == 0 {
		content.Hints = []pointer{{"to start a project, in its directory", "devports up"}}
	}
	p.write(w, r, http.StatusOK, content)
}

// site responds with the services of a checkout. Its host is a parent domain of
// the hosts of services, so the page sets no cookies and shows no logs.
func (p *pages) site(w http.ResponseWriter, r *http.Request, s site) {
	listed := p.sites([]site{s})
	p.write(w, r, http.StatusOK, page{Title: listed[0].Title(), Sites: listed})
}

// unknown responds to a name that is not known.
func (p *pages) unknown(w http.ResponseWriter, r *http.Request, routes *routes, n name) {
	content := page{Title: "Unknown name", Sites: p.sites(routes.list())}
	switch s, ok := routes.sites[n.site]; {
	case n.kind == nameService && ok:
		about := s.run.about
		content.Error = fmt.Sprintf("no running service of %s has the host %s", siteTitle(about.Project, about.Worktree), n.service)
		content.Sites = p.sites([]site{s})
	case n.site != "":
		content.Error = fmt.Sprintf("no checkout named %s is running", n.site)
		content.Hints = []pointer{{"to start it, in its directory", "devports up"}}
	default:
		content.Error = "devports needs the name of a service"
		content.Hints = []pointer{p.home()}
	}
	p.write(w, r, http.StatusNotFound, content)
}

// foreign responds to a host that is not a name of this machine. It lists
// nothing: a stranger's web page can make its own name resolve to 127.0.0.1.
func (p *pages) foreign(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, http.StatusNotFound, page{
		Title: "Unknown name", Error: "this host is not a name of devports: names end in .localhost",
		Hints: []pointer{p.home()},
	})
}
