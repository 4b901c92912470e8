package procfile

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/devports/devports/allocator"
)

// servers are programs, by base name, that are configured by their command line
// and their files. Restarting such a server because another service's port
// changed would drop its connections and its memory for a variable that it
// never reads. Each value lists the prefixes of the variables that the server
// reads.
var servers = map[string][]string{
	"beanstalkd":      nil,
	"elasticsearch":   {"ES_"},
	"etcd":            {"ETCD_"},
	"mariadbd":        {"MARIADB_", "MYSQL_"},
	"meilisearch":     {"MEILI_"},
	"memcached":       nil,
	"minio":           {"MINIO_"},
	"mongod":          nil,
	"mosquitto":       nil,
	"mysqld":          {"MYSQL_"},
	"nats-server":     nil,
	"nginx":           nil,
	"postgres":        {"PG"},
	"rabbitmq-server": {"RABBITMQ_"},
	"redis-server":    nil,
	"valkey-server":   nil,
}

// restartOn returns the variables whose change restarts the service: those that
// the file lists; for a known server those that it reads and those that its
// command line uses; otherwise nil, for all.
func (s Service) restartOn() []string {
	if s.RestartOn != nil {
		names := make([]string, 0, len(s.RestartOn))
		for _, t := range s.RestartOn {
			names = append(names, t.Value)
		}
		return names
	}
	if s.Container != nil {
		return nil // see resolver.container
	}
	words := strings.Fields(s.Command.Shell)
	if s.Command.Argv != nil {
		words = nil
		for _, a := range s.Command.Argv {
			words = append(words, a.Value)
		}
	} else if strings.ContainsAny(strings.ReplaceAll(s.Command.Shell, ">&", ""), ";|&`()\n") {
		return nil // the line may run more than the server
	}
	read, known := servers[program(words)]
	if !known {
		return nil
	}
	names := []string{}
	for _, prefix := range read {
		names = append(names, prefix+"*")
	}
	for _, match := range variableInCommand().FindAllStringSubmatch(strings.Join(words, " "), -1) {
		names = append(names, match[1]+match[2]) // one of them is empty
	}
	return names
}

// variableInCommand matches a variable in a command: $NAME and ${NAME}, or
// Windows' %NAME%.
var variableInCommand = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)|%([A-Za-z_][A-Za-z0-9_]*)%`)
})

// program returns the base name of the program that a command line runs.
func program(words []string) string {
	for _, word := range words {
		name, _, assigned := strings.Cut(word, "=")
		if word == "exec" || assigned && isVariableName(name) {
			continue
		}
		base := path.Base(strings.ReplaceAll(strings.Trim(word, `"'`), `\`, "/"))
		return strings.TrimSuffix(base, ".exe")
	}
	return ""
}

// restartsOn reports whether a new value of a variable restarts the process. A
// new number of one of its own ports always does.
func (p Process) restartsOn(name string) bool {
	if p.RestartOn == nil || name == "PORT" || slices.Contains(p.own, name) {
		return true
	}
	return slices.ContainsFunc(p.RestartOn, func(pattern string) bool {
		prefix, wildcard := strings.CutSuffix(pattern, "*")
		return name == pattern || wildcard && strings.HasPrefix(name, prefix)
	})
}

// portVariables returns the names of the variables that hold the service's
// ports.
func (s Service) portVariables() []string {
	names := []string{allocator.PortName{Service: s.Name}.Variable()}
	for _, p := range s.Ports {
		names = append(names, allocator.PortName{Service: s.Name, Port: p.Name}.Variable())
	}
	return names
}
