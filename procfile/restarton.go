package procfile

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/devports/devports/allocator"
)

// servers are programs that get what they need from their command line and their
// files, by base name: a restart for the number of another service would cost a
// store its connections and what it has in memory, and nobody would read the
// number. With each are the beginnings of the variables that it does read.
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

// restartOn are the variables for whose sake the service is restarted: those
// that the file lists; for a known server those that its command line names, and
// what the server itself reads; else nil for all.
func (s Service) restartOn() []string {
	if s.RestartOn != nil {
		names := make([]string, 0, len(s.RestartOn))
		for _, t := range s.RestartOn {
			names = append(names, t.Value)
		}
		return names
	}
	words := strings.Fields(s.Command.Shell)
	if s.Command.Argv != nil {
		words = nil
		for _, a := range s.Command.Argv {
			words = append(words, a.Value)
		}
	} else if strings.ContainsAny(strings.ReplaceAll(s.Command.Shell, ">&", ""), ";|&`()\n") {
		return nil // more than the server may run
	}
	read, known := servers[program(words)]
	if !known {
		return nil
	}
	names := []string{}
	for _, beginning := range read {
		names = append(names, beginning+"*")
	}
	for _, named := range variableInCommand().FindAllStringSubmatch(strings.Join(words, " "), -1) {
		names = append(names, named[1]+named[2]) // one of them is empty
	}
	return names
}

// variableInCommand is a variable as a shell, or devports, expands it; %NAME% is
// that of Windows.
var variableInCommand = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)|%([A-Za-z_][A-Za-z0-9_]*)%`)
})

// program is the base name of the program that the words of a command run.
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

// restartsOn reports whether another value of a variable restarts the process.
// The numbers of its own ports always do.
func (p Process) restartsOn(name string) bool {
	if p.RestartOn == nil || name == "PORT" || slices.Contains(p.own, name) {
		return true
	}
	return slices.ContainsFunc(p.RestartOn, func(pattern string) bool {
		beginning, open := strings.CutSuffix(pattern, "*")
		return name == pattern || open && strings.HasPrefix(name, beginning)
	})
}

// portVariables are those that carry the ports of the service.
func (s Service) portVariables() []string {
	names := []string{allocator.PortName{Service: s.Name}.Variable()}
	for _, p := range s.Ports {
		names = append(names, allocator.PortName{Service: s.Name, Port: p.Name}.Variable())
	}
	return names
}
