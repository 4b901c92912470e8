package procfile

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
)

// Site is where browsers find the services of a checkout by name. The zero Site
// has no names: addresses consist of localhost and a port.
type Site struct {
	Name string // the checkout's unique name, a label of a host name
	Port int    // the port of the front

	Project, Worktree string // of the checkout
}

// URL returns the URL of a host in the site; of the site itself for "". It
// returns "" for the zero Site.
func (s Site) URL(host string) string {
	if s.Port == 0 || s.Name == "" {
		return ""
	}
	if host != "" {
		host += "."
	}
	return "http://" + host + s.Name + ".localhost:" + strconv.Itoa(s.Port)
}

// address returns the address of a service for its user: a URL if it speaks
// HTTP, otherwise "localhost:5432"; "" without a port.
func (s Site) address(host string, http bool, port int) string {
	switch local := "localhost:" + strconv.Itoa(port); {
	case port == 0:
		return ""
	case !http:
		return local
	case host == "":
		return "http://" + local
	default:
		return cmp.Or(s.URL(host), "http://"+local)
	}
}

// Choice is a boolean key of a Portfile that may be missing.
type Choice int

const (
	Default Choice = iota
	No
	Yes
)

// maxLabel is the maximum length of a label of a host name (RFC 1035).
const maxLabel = 63

// isLabel reports whether s is a label of a host name as the front uses it.
func isLabel(s string) bool {
	for i, c := range []byte(s) {
		hyphen := c == '-' && i > 0 && i < len(s)-1
		if !hyphen && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxLabel
}

// label makes a label from a name. It is the name itself if that is a label. If
// the name is too long, a hash replaces the end.
func label(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else {
			b.WriteByte('-')
		}
	}
	l := strings.Trim(b.String(), "-")
	if l == "" {
		l = "service"
	}
	if len(l) > maxLabel {
		h := fnv.New32a()
		h.Write([]byte(name))
		l = strings.TrimRight(l[:maxLabel-7], "-") + fmt.Sprintf("-%06x", h.Sum32()>>8)
	}
	return l
}

// numbered returns the label with a number that makes it unique.
func numbered(label string, taken func(string) bool) string {
	for n, l := 2, label; ; n++ {
		if !taken(l) {
			return l
		}
		suffix := "-" + strconv.Itoa(n)
		l = strings.TrimRight(label[:min(len(label), maxLabel-len(suffix))], "-") + suffix
	}
}

// hosts returns the label of each service that has a named address. No two are
// equal: a host in the file comes first, then names that are labels themselves,
// then the other names in order, numbered where they are alike.
func (f File) hosts() map[string]string {
	hosts, taken := map[string]string{}, map[string]bool{}
	type ranked struct {
		*Service
		rank int
	}
	var services []ranked
	for i := range f.Services {
		s := &f.Services[i]
		switch {
		case s.NoHost || s.Shared || !s.http():
		case s.Host.Value != "" && (s.ReplicaOf == "" || s.ReplicaOf == s.Name):
			services = append(services, ranked{s, 0})
		case s.Host.Value == "" && isLabel(s.Name):
			services = append(services, ranked{s, 1})
		default:
			services = append(services, ranked{s, 2})
		}
	}
	slices.SortFunc(services, func(a, b ranked) int {
		return cmp.Or(a.rank-b.rank, strings.Compare(a.Name, b.Name))
	})
	for _, s := range services {
		name := s.Name
		if s.Host.Value != "" {
			_, replica, _ := strings.Cut(s.Name, ".")
			name = strings.TrimSuffix(s.Host.Value+"-"+replica, "-")
		}
		l := numbered(label(name), func(l string) bool { return taken[l] })
		hosts[s.Name], taken[l] = l, true
	}
	return hosts
}

// HasHosts reports whether a service has a named address.
func (f File) HasHosts() bool {
	return slices.ContainsFunc(f.Services, func(s Service) bool { return !s.NoHost && s.http() })
}

// Addresses returns the named addresses of the services, by name.
func (f File) Addresses(site Site) map[string]string {
	addresses := map[string]string{}
	for name, host := range f.hosts() {
		if url := site.URL(host); url != "" {
			addresses[name] = url
		}
	}
	return addresses
}

// http reports whether the service speaks HTTP on its port, as far as the file
// shows it without a request.
func (s Service) http() bool {
	kind, _, _ := strings.Cut(s.Ready, ":")
	switch {
	case !s.HasPort || s.HTTP == No || s.undeclared:
		return false
	case s.HTTP == Yes || kind == string(HTTP):
		return true
	}
	return kind != string(Done) && !s.runsOtherProtocol()
}

// otherProtocols are programs, and images of containers, by base name, that
// speak a protocol other than HTTP.
var otherProtocols = []string{
	"beanstalkd", "cassandra", "clamd", "dnsmasq", "eclipse-mosquitto", "etcd",
	"kafka", "kafka-server-start", "kafka-server-start.sh", "mariadb", "mariadbd", "memcached",
	"mongo", "mongod", "mosquitto", "mysql", "mysqld", "mysqld_safe", "nats", "nats-server",
	"pgbouncer", "pgvector", "postgis", "postgres", "rabbitmq", "rabbitmq-server", "redis", "redis-sentinel",
	"redis-server", "sshd", "temporal", "timescaledb", "valkey", "valkey-server", "zookeeper",
}

// runsOtherProtocol reports whether the last command of the line is a known
// server of another protocol, or runs a container of one.
func (s Service) runsOtherProtocol() bool {
	if c := s.Container; c != nil {
		return slices.Contains(otherProtocols, imageName(c.Image.Value)) || slices.Contains(otherProtocols, c.Compose.Value) || usualCompose(c.Compose.Value)
	}
	var words []string
	if s.Command.Argv != nil {
		for _, a := range s.Command.Argv {
			words = append(words, a.Value)
		}
	} else {
		line := strings.TrimRight(s.Command.Shell, " ;&\n")
		line = line[strings.LastIndexAny(line, ";|&\n")+1:]
		words = strings.Fields(line)
	}
	name := program(words)
	if slices.Contains(otherProtocols, name) {
		return true
	}
	if name != "docker" && name != "podman" {
		return false
	}
	return slices.ContainsFunc(words, func(word string) bool {
		image, _, tagged := strings.Cut(path.Base(word), ":")
		return image != name && !strings.HasPrefix(word, "-") && slices.Contains(otherProtocols, image) && (tagged || !strings.Contains(word, "="))
	})
}

// urls returns URL_<NAME> and PUBLIC_URL_<NAME> of the services that have an
// address. named are those of the latter that do not depend on a port of the
// service.
func (f File) urls(hosts map[string]string, site Site, ports map[allocator.PortName]int) (all, named map[string]string) {
	all, named = make(map[string]string, 2*len(f.Services)), make(map[string]string, len(f.Services))
	for i := range f.Services {
		s := &f.Services[i]
		if !s.http() {
			continue
		}
		name := allocator.PortName{Service: s.Name}
		suffix := strings.TrimPrefix(name.Variable(), "PORT_")
		host, port := hosts[s.Name], ports[name]
		all["URL_"+suffix] = "http://127.0.0.1:" + strconv.Itoa(port)
		public := "PUBLIC_URL_" + suffix
		all[public] = "http://localhost:" + strconv.Itoa(port)
		if url := site.URL(host); host != "" && url != "" {
			all[public], named[public] = url, url
		}
	}
	return all, named
}

// checkHosts finds hosts that two services share, and settings of an address
// that have no effect.
func (f File) checkHosts(fail failf) {
	owners := map[string]Service{}
	for _, s := range f.Services {
		if s.Host.Value != "" {
			if before, taken := owners[s.Host.Value]; taken {
				fail(s.Host.Pos, "use another host", "service %s and service %s %s have the same host %s", quote(s.Name), quote(before.Name), before.Pos.beside(s.Host.Pos, f.Name), quote(s.Host.Value))
			} else {
				owners[s.Host.Value] = s
			}
		}
		for _, t := range []struct {
			key string
			at  Text
		}{{"host", s.Host}, {"host_header", s.HostHeader}} {
			if t.at.Value != "" && !s.http() {
				fail(t.at.Pos, "remove the line, or set http = true", "%s has no effect: service %s does not use HTTP", t.key, quote(s.Name))
			}
		}
		if s.HTTP == Yes && !s.HasPort {
			fail(s.HTTPPos, "remove one of them", "service %s has http = true and port = false", quote(s.Name))
		}
	}
}
