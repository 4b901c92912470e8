package procfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
)

// ready validates a readiness check and returns it as written.
func (d *decoder) ready(v *value) string {
	if !d.is(v, kindString) {
		return ""
	}
	kind, arg, colon := strings.Cut(v.text, ":")
	switch kind {
	case "tcp", "done", "none":
		if colon {
			d.fail(v.pos, "write "+quote(kind), "%s takes no argument", quote(kind))
		}
	case "http":
		u, isURL := parseCheckURL(arg)
		switch {
		case isURL && !slices.Contains(localHosts, u.host):
			d.fail(v.pos, "write "+quote("exec:curl -fs "+v.text), "an http check can only connect to this machine, not to %s", quote(u.host))
		case !strings.HasPrefix(arg, "/"):
			hint := "write " + quote("http:/"+arg)
			if host, path, found := strings.Cut(arg, "/"); found && strings.Contains(host, ":") {
				hint = "write " + quote("http:/"+path)
			} else if arg == "" || strings.ContainsAny(arg, ": ") {
				hint = `write "http:/healthz"`
			}
			d.fail(v.pos, hint, "the path of an http check starts with /")
		}
	case "https":
		d.fail(v.pos, `write "tcp", or "exec:curl -fks https://localhost:$PORT/healthz"`, "https checks are not supported")
	case "log":
		if _, err := regexp.Compile(arg); err != nil || arg == "" {
			d.fail(v.pos, `write "log:listening on"`, "invalid regular expression %s%s", quote(arg), regexpReason(err))
		}
	case "exec":
		if strings.TrimSpace(arg) == "" {
			d.fail(v.pos, `write "exec:pg_isready -p $PORT"`, "an exec check needs a command")
		}
	default:
		forms := []string{"tcp", "http", "log", "exec", "done", "none"}
		d.fail(v.pos, didYouMean(kind, forms), "unknown readiness check %s: use tcp, http:PATH, log:REGEXP, exec:COMMAND, done or none", quote(v.text))
	}
	return v.text
}

// checkReadyTimeout makes sure that ready_timeout, at pos, applies to a check:
// without ready, it is the service's port.
func (d *decoder) checkReadyTimeout(s *Service, pos Position) {
	switch {
	case s.Ready == "" && s.Container != nil: // it applies to Healthy
	case s.Ready == "" && s.HasPort:
		s.Ready = string(TCP)
	case s.Ready == "" || s.Ready == string(None):
		d.fail(pos, `add ready = "log:REGEXP", "exec:COMMAND" or "done", or remove ready_timeout`, "ready_timeout has no effect: service %s has no readiness check", quote(s.Name))
	}
}

// checkURL is the URL of an http check.
type checkURL struct {
	host string // "[::1]" with its brackets
	port string // a number or a variable; 80 if the URL has none
	path string
}

// localHosts are the hosts in a URL that mean this machine.
var localHosts = []string{"localhost", "127.0.0.1", "[::1]", "0.0.0.0"}

// parseCheckURL parses the argument of an http check.
func parseCheckURL(arg string) (u checkURL, isURL bool) {
	rest, isURL := strings.CutPrefix(arg, "//")
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

// targets reports whether the URL's port is the port of s, by number or by
// variable.
func (u checkURL) targets(s Service) bool {
	pin, err := allocator.ParsePort(u.port)
	return u.port == "$PORT" || u.port == "${PORT}" || err == nil && s.HasPort && pin == s.Pin
}

// httpPath returns the path of an http check.
func httpPath(arg string) string {
	if u, isURL := parseCheckURL(arg); isURL {
		return u.path
	}
	return arg
}

// checkReady finds checks that use a port that the service does not have.
func (f File) checkReady(fail failf) {
	for _, s := range f.Services {
		kind, arg, _ := strings.Cut(s.Ready, ":")
		u, isURL := parseCheckURL(arg)
		switch {
		case kind != string(TCP) && kind != string(HTTP):
		case !s.HasPort:
			fail(s.Pos, "", "the readiness check %s needs a port, and service %s has none", quote(s.Ready), quote(s.Name))
		case kind == string(HTTP) && isURL && slices.Contains(localHosts, u.host) && !u.targets(s):
			fail(s.ReadyPos, "write "+quote("http:"+u.path)+": it uses the port of the service", "the readiness check uses port %s, which is not the port of service %s", u.port, quote(s.Name))
		}
	}
}
