package checkout

import (
	"os"
	"path/filepath"
	"strings"
)

// maxHops is how many clones of clones are followed.
const maxHops = 8

// remote says where the repository with a config was cloned from, so that two
// clones of one repository have the same. A path is followed to the repository
// there and on to its own remote; if that has none, the remote is the path of its
// git directory. root is what a relative path starts from.
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

// localPath reports whether a remote is a path, and which.
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

// NormalizeRemote returns a URL of git's, see git-fetch(1), without what differs
// between two clones of one repository: scheme, user and password, a port that is
// the scheme's own, ".git", slashes at the ends; the host is in lower case.
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
		host = strings.TrimSuffix(host, ownPort(strings.ToLower(scheme)))
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

// ownPort is the port that a scheme has by itself.
func ownPort(scheme string) string {
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
