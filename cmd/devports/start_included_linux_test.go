package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkStartIncluded compares 40 included Portfiles with 5 services each
// with one Portfile that declares the same services. They run in turn, so that
// each suffers from the same load. It reports the shortest times in
// milliseconds: of `check`, and of `up` until the first and the last service has
// started and until then in CPU time, services included.
//
//	go test ./cmd/devports -run xxx -bench StartIncluded -benchtime 15x
func BenchmarkStartIncluded(b *testing.B) {
	devports := filepath.Join(b.TempDir(), "devports")
	if out, err := staticBuild(devports, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	s := newStartable(b, 200)
	of := map[string]startable{}
	for _, kind := range []string{"flat", "included"} {
		k := s
		k.dir = b.TempDir()
		k.environ = append(slices.Clone(s.environ), "DEVPORTS_HOME="+filepath.Join(k.dir, "home"))
		writeIncluded(b, k, kind == "flat")
		run := exec.Command(devports, "port", "a0-s0") // leases all ports
		run.Dir, run.Env = k.dir, k.environ
		if out, err := run.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		of[kind] = k
	}
	shortest := map[string]time.Duration{}
	note := func(what string, d time.Duration) {
		if before, ok := shortest[what]; !ok || d < before {
			shortest[what] = d
		}
	}
	for b.Loop() {
		for kind, k := range of { // in any order
			check := exec.Command(devports, "check")
			check.Dir, check.Env = k.dir, k.environ
			begin := time.Now()
			if out, err := check.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			note(kind+"-check", time.Since(begin))
			note(kind+"-check-CPU", check.ProcessState.UserTime()+check.ProcessState.SystemTime())
			l := k.live(b, devports, []string{"up"}, k.environ)
			note(kind+"-first", l.first)
			note(kind+"-last", l.last)
			note(kind+"-CPU", l.cpu)
			note(kind+"-stop", l.stop)
		}
	}
	b.ReportMetric(0, "ns/op")
	for what, d := range shortest {
		b.ReportMetric(float64(d.Microseconds())/1000, what+"-ms")
	}
}

// writeIncluded writes the services of s into one Portfile, or five each into
// files that it includes.
func writeIncluded(b *testing.B, s startable, flat bool) {
	b.Helper()
	write := func(name, text string) {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write(".git/HEAD", "ref: refs/heads/main\n")
	include, one := "include = [\n", "[env]\nLEVEL = 'info'\n"
	for app := range len(s.services) / 5 {
		dir := fmt.Sprintf("apps/a%d", app)
		var text strings.Builder
		for i, file := range s.services[5*app : 5*app+5] {
			service := func(name, dir string) string {
				return fmt.Sprintf("[services.%s]\ncommand = 'exec %s 1000'\nready = 'none'\nenv = { URL = 'http://localhost:${PORT}' }\n%s\n", name, file, dir)
			}
			text.WriteString(service(fmt.Sprintf("s%d", i), ""))
			one += service(fmt.Sprintf("a%d-s%d", app, i), "dir = '"+dir+"'")
		}
		write(dir+"/Portfile", text.String())
		include += fmt.Sprintf("  { path = '%s/Portfile', prefix = 'a%d-' },\n", dir, app)
	}
	if flat {
		write("Portfile", one)
	} else {
		write("Portfile", include+"]\n[env]\nLEVEL = 'info'\n")
	}
}
