package procfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxReplicas is how many copies of a service may run.
const MaxReplicas = 100

// Scaled returns the file with a service for each replica: "web", "web.2" and
// "web.3" for three of web. counts says how many there are of the services in
// it, 1 to [MaxReplicas], and beats the file. The error names those in it that
// the file does not declare.
//
// Every replica has ports of its own; what the file pins is pinned for the first
// one only. What depends on a service depends on all of its replicas.
func (f File) ExpandReplicas(counts map[string]int) (File, error) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if _, ok := f.Service(name); !ok {
			return f, &UndeclaredError{name, f.ServiceNames()}
		}
	}
	replicas := map[string][]Text{}
	scaled := make([]Service, 0, len(f.Services))
	for _, s := range f.Services {
		n := s.Replicas
		if count, ok := counts[s.Name]; ok {
			n = count
		}
		for i := range max(n, 1) {
			r := s.replica(i + 1)
			replicas[s.Name] = append(replicas[s.Name], Text{Value: r.Name})
			scaled = append(scaled, r)
		}
	}
	for i := range scaled {
		s := &scaled[i]
		var all []Text
		for _, d := range s.DependsOn {
			for _, r := range replicas[d.Value] {
				all = append(all, Text{r.Value, d.Pos})
			}
		}
		s.DependsOn = all
	}
	f.Services = scaled
	return f, nil
}

// ReplicaOf returns the name of the service that a replica is one of, which is
// its own where there are no others: "web" of "web.2".
func ReplicaOf(name string) string {
	of, _, _ := strings.Cut(name, ".")
	return of
}

// UndeclaredError says that a file does not declare a service.
type UndeclaredError struct {
	Name     string
	Declared []string
}

func (e *UndeclaredError) Error() string { return fmt.Sprintf("no service %s is declared", e.Name) }

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
