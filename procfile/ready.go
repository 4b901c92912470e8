package procfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
)

// ready checks the form of a readiness check and gives it back as written.
func (d *decoder) ready(v *value) string {
	if !d.is(v, kindString) {
		return ""
	}
	how, what, colon := strings.Cut(v.text, ":")
	switch how {
	case "tcp", "done", "none":
		if colon {
			d.fail(v.pos, "write "+quote(how), "%s takes nothing behind it", quote(how))
		}
	case "http":
		u, isURL := parseCheckURL(what)
		switch {
		case isURL && !slices.Contains(localHosts, u.host):
			d.fail(v.pos, "write "+quote("exec:curl -fs "+v.text), "an http check asks this machine, not %s", quote(u.host))
		case !strings.HasPrefix(what, "/"):
			d.fail(v.pos, `write "http:/healthz"`, "the path of an http check starts with /")
		}
	case "https":
		d.fail(v.pos, `write "tcp", or "exec:curl -fks https://localhost:$PORT/healthz"`, "there is no https check")
	case "log":
		if _, err := regexp.Compile(what); err != nil || what == "" {
			d.fail(v.pos, `write "log:listening on"`, "not a regular expression: %s%s", quote(what), because(err))
		}
	case "exec":
		if strings.TrimSpace(what) == "" {
			d.fail(v.pos, `write "exec:pg_isready -p $PORT"`, "an exec check needs a command")
		}
	default:
		forms := []string{"tcp", "http", "log", "exec", "done", "none"}
		d.fail(v.pos, didYouMean(how, forms), "unknown check %s: tcp, http:PATH, log:REGEXP, exec:COMMAND, done or none", quote(v.text))
	}
	return v.text
}

// timing settles what ready_timeout, at pos, limits: without a check named, the
// service's port.
func (d *decoder) timing(s *Service, pos Position) {
	switch {
	case s.Ready == "" && s.HasPort:
		s.Ready = string(TCP)
	case s.Ready == "" || s.Ready == string(None):
		d.fail(pos, `add ready = "log:REGEXP", "exec:COMMAND" or "done", or take it out`, "ready_timeout limits nothing: %s has no check", quote(s.Name))
	}
}

// checkURL is what an http check asks, if it is written as a URL.
type checkURL struct {
	host string // "[::1]" with its brackets
	port string // a number or a variable; 80 where the URL has none
	path string
}

// localHosts are the hosts of a URL that stand for this machine.
var localHosts = []string{"localhost", "127.0.0.1", "[::1]", "0.0.0.0"}

// parseCheckURL reads what stands behind "http:".
func parseCheckURL(what string) (u checkURL, isURL bool) {
	rest, isURL := strings.CutPrefix(what, "//")
	if !isURL {
		return checkURL{}, false
	}
	authority, path := rest, "/"
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], "/"+strings.TrimPrefix(rest[i:], "/")
	}
	path, _, _ = strings.Cut(path, "#")
	u = checkURL{host: authority, port: "80", path: path}
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		u.host, u.port = authority[:i], authority[i+1:]
	}
	u.host = strings.ToLower(u.host)
	return u, true
}

// asks reports whether the URL's port is that of s, by number or by variable.
func (u checkURL) asks(s Service) bool {
	pin, err := allocator.ParsePort(u.port)
	return u.port == "$PORT" || u.port == "${PORT}" || err == nil && s.HasPort && pin == s.Pin
}

// httpPath is the path that an http check asks for.
func httpPath(what string) string {
	if u, isURL := parseCheckURL(what); isURL {
		return u.path
	}
	return what
}

// checkReady finds checks that ask what the service does not have.
func (f File) checkReady(fail failf) {
	for _, s := range f.Services {
		how, what, _ := strings.Cut(s.Ready, ":")
		u, isURL := parseCheckURL(what)
		switch {
		case how != string(TCP) && how != string(HTTP):
		case !s.HasPort:
			fail(s.Pos, "", "service %s has no port that its check %s could ask", quote(s.Name), quote(s.Ready))
		case how == string(HTTP) && isURL && slices.Contains(localHosts, u.host) && !u.asks(s):
			fail(s.ReadyPos, "write "+quote("http:"+u.path)+", which asks the port that the service has", "the check asks port %s, which is not that of service %s", u.port, quote(s.Name))
		}
	}
}
