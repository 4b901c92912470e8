package procfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxReplicas is the maximum number of replicas of a service.
const MaxReplicas = 100

// ExpandReplicas returns the file with a service for each replica: "web",
// "web.2" and "web.3" for three replicas of web. counts, from 1 to
// [MaxReplicas] by service, overrides the file. A service in counts that the
// file does not declare is an *[UndeclaredError]. If counts cannot be in the
// file, the error is [Problems], and the file is expanded nevertheless.
//
// Every replica has its own ports; a pin applies to the first one only. A
// service that depends on another depends on all of its replicas.
func (f File) ExpandReplicas(counts map[string]int) (File, error) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if _, ok := f.Service(name); !ok {
			return f, &UndeclaredError{name, f.ServiceNames()}
		}
	}
	var problems Problems
	if len(counts) > 0 {
		f.Services = slices.Clone(f.Services)
		for i := range f.Services {
			s := &f.Services[i]
			if count, ok := counts[s.Name]; ok {
				s.Replicas = count
			}
		}
		problems = f.check()
	}
	replicas := map[string][]Text{}
	expanded := make([]Service, 0, len(f.Services))
	for _, s := range f.Services {
		for i := range max(s.Replicas, 1) {
			r := s.replica(i + 1)
			replicas[s.Name] = append(replicas[s.Name], Text{Value: r.Name})
			expanded = append(expanded, r)
		}
	}
	for i := range expanded {
		s := &expanded[i]
		var all []Text
		for _, d := range s.DependsOn {
			for _, r := range replicas[d.Value] {
				all = append(all, Text{r.Value, d.Pos})
			}
		}
		s.DependsOn = all
	}
	f.Services = expanded
	return f, problems.err()
}

// ReplicaOf returns the name of a replica's service: "web" for "web" and for
// "web.2".
func ReplicaOf(name string) string {
	of, _, _ := strings.Cut(name, ".")
	return of
}

// UndeclaredError reports that a file does not declare a service.
type UndeclaredError struct {
	Name     string
	Declared []string
}

func (e *UndeclaredError) Error() string { return fmt.Sprintf("no service named %q", e.Name) }

// replica returns the n-th replica of s.
func (s Service) replica(n int) Service {
	s.ReplicaOf = s.Name
	if n == 1 {
		return s
	}
	s.Name = fmt.Sprintf("%s.%d", s.Name, n)
	s.Pin = 0
	s.Ports = slices.Clone(s.Ports)
	for i := range s.Ports {
		s.Ports[i].Pin = 0
	}
	return s
}
