package checkout

import (
	"os"
	"path/filepath"
	"strings"
)

// maxHops is the maximum number of clones of clones to follow.
const maxHops = 8

// remote returns the source of the repository with a config, the same for all
// clones of one repository. It follows a path to the repository there and to
// its remote; if that repository has none, the result is the path of its git
// directory. root is the base of relative paths.
func remote(c config, root string, hops int) string {
	path, local := localPath(c.origin)
	if !local {
		return NormalizeRemote(c.origin)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for _, dir := range []string{filepath.Join(path, ".git"), path, path + ".git"} {
		if _, err := os.Lstat(filepath.Join(dir, "HEAD")); err != nil {
			continue
		}
		next := parseConfig(readText(filepath.Join(dir, "config")))
		if next.origin == "" || hops == maxHops {
			return dir
		}
		return remote(next, path, hops+1)
	}
	return filepath.Clean(path)
}

// localPath returns the path of a remote, if it is one.
func localPath(url string) (path string, local bool) {
	if path, ok := strings.CutPrefix(url, "file://"); ok {
		return filepath.FromSlash(path), true
	}
	if url == "" || strings.Contains(url, "://") {
		return "", false
	}
	colon, slash := strings.Index(url, ":"), strings.IndexAny(url, `/\`)
	scp := colon >= 0 && (slash < 0 || colon < slash) && filepath.VolumeName(url) == ""
	return filepath.FromSlash(url), !scp
}

// NormalizeRemote returns a git URL, see git-fetch(1), without the parts that
// may differ between clones of one repository: scheme, user and password, the
// scheme's default port, ".git", and slashes at the ends. The host is in lower
// case.
//
//	https://ann@GitHub.com/acme/shop.git  github.com/acme/shop
//	git@github.com:acme/shop              github.com/acme/shop
func NormalizeRemote(url string) string {
	scheme, rest, found := strings.Cut(url, "://")
	host, path := "", url
	switch {
	case found && !strings.ContainsAny(scheme, "/:"):
		host, path, _ = strings.Cut(rest, "/")
		host = host[strings.LastIndex(host, "@")+1:]
		host = strings.TrimSuffix(host, defaultPort(strings.ToLower(scheme)))
	case !found:
		login, below, scp := strings.Cut(url, ":")
		if bracket := strings.Index(url, "]:"); bracket >= 0 { // git@[::1]:shop
			login, below = url[:bracket+1], url[bracket+2:]
		}
		if scp && !strings.Contains(login, "/") {
			host, path = login[strings.LastIndex(login, "@")+1:], below
		}
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	path = strings.TrimSuffix(strings.Join(parts, "/"), ".git")
	if host == "" {
		return path
	}
	return strings.ToLower(host) + "/" + strings.TrimSuffix(path, "/")
}

// defaultPort returns the default port of a scheme.
func defaultPort(scheme string) string {
	switch scheme {
	case "ssh", "git+ssh", "ssh+git":
		return ":22"
	case "https":
		return ":443"
	case "http":
		return ":80"
	case "git":
		return ":9418"
	}
	return ""
}
