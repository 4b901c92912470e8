package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/holder/engine"
	"github.com/devports/devports/cmd/devports/internal/doctor"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/procfile"
)

// jsonValues are the types of the commands' --json output.
var jsonValues = map[string]any{
	"check": checked{}, "check --explain": []procfile.Setting{}, "doctor": []doctor.Finding{}, "env": map[string]string{}, "export": []leaseRow{}, "import": []importRow{},
	"logs": logLine{}, "ls": []leaseRow{}, "pick": []int{}, "port": map[string]int{}, "portserver status": []assignment{},
	"portserver ls": []assignment{}, "prune": []leaseRow{}, "rm": []leaseRow{}, "ps": []runInfo{}, "start": []launcher.Status{},
	"stop": []launcher.Status{}, "restart": []launcher.Status{}, "wait": []launcher.Status{}, "version": versions{}, "who": []whoRow{}, "point": []pointRow{}, "url": map[string]string{},
}

// jsonSections are the sections of the topic about the keys of a type.
var jsonSections = map[reflect.Type]string{
	reflect.TypeFor[checked]():           "result",
	reflect.TypeFor[procfile.Problem]():  "problem",
	reflect.TypeFor[procfile.Setting]():  "setting",
	reflect.TypeFor[doctor.Finding]():    "finding",
	reflect.TypeFor[leaseRow]():          "lease",
	reflect.TypeFor[holder.Process]():    "process",
	reflect.TypeFor[holder.Connection](): "connection",
	reflect.TypeFor[engine.Container]():  "container",
	reflect.TypeFor[importRow]():         "import",
	reflect.TypeFor[logLine]():           "line",
	reflect.TypeFor[assignment]():        "assignment",
	reflect.TypeFor[runInfo]():           "run",
	reflect.TypeFor[control.Refusal]():   "refusal",
	reflect.TypeFor[launcher.Status]():   "service",
	reflect.TypeFor[launcher.Blocker]():  "blocker",
	reflect.TypeFor[control.Holder]():    "holder",
	reflect.TypeFor[versions]():          "version",
	reflect.TypeFor[whoRow]():            "port",
	reflect.TypeFor[pointRow]():          "point",
}

// cmdJSON fails unless standard output is valid --json output of a command,
// with only the keys of the topic.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	name := strings.Join(args, " ")
	value, ok := jsonValues[name]
	if !ok || neg {
		ts.Fatalf("usage: json COMMAND")
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.DisallowUnknownFields()
	values := 0
	for {
		into := reflect.New(reflect.TypeOf(value))
		err := d.Decode(into.Interface())
		if err == io.EOF {
			break
		}
		if err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
		if k := into.Elem().Kind(); (k == reflect.Slice || k == reflect.Map) && into.Elem().IsNil() {
			ts.Fatalf("%s: null", name)
		}
		values++
	}
	if values == 0 || values > 1 && name != "logs" {
		ts.Fatalf("%s: %d values", name, values)
	}
}

// TestJSONCommands checks that the topic lists every command with --json, and
// that the script runs it.
func TestJSONCommands(t *testing.T) {
	script, err := os.ReadFile("../../testscripts/json_keys.txtar")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	var walk func(prefix string, commands []*cli.Command)
	walk = func(prefix string, commands []*cli.Command) {
		for _, c := range commands {
			walk(prefix+c.Name+" ", c.Subcommands)
			if slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), "json") }) {
				found[prefix+c.Name] = true
			}
		}
	}
	walk("", app(session{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, getenv: os.Getenv}).Commands)
	found["check --explain"] = true // an option changes its value
	topic, _ := topicNamed("json")
	list, _, _ := strings.Cut(topic.text, "\n\nlease:")
	for name := range jsonValues {
		if !found[name] {
			t.Errorf("%s has no --json", name)
		}
		if !regexp.MustCompile(`(?m)^json ` + name + `$`).Match(script) {
			t.Errorf("the script does not run %s", name)
		}
		if listed := regexp.MustCompile(`(?m)^  (\w+, )*` + name + `\b.*  `).MatchString(list); !listed && name != "portserver ls" {
			t.Errorf("the topic says nothing of %s", name)
		}
		delete(found, name)
	}
	for name := range found {
		t.Errorf("%s has --json, but is not tested", name)
	}
}

// TestJSONKeys compares the keys of all types with the topic.
func TestJSONKeys(t *testing.T) {
	topic, _ := topicNamed("json")
	documented := map[string][]string{}
	section := ""
	for line := range strings.Lines(topic.text) {
		if m := regexp.MustCompile(`^(\w+):\n$`).FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if m := regexp.MustCompile(`^  (\S+) `).FindStringSubmatch(line); m != nil && section != "" {
			documented[section] = append(documented[section], m[1])
		}
	}
	seen := map[string]bool{}
	var walk func(t2 reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Slice, reflect.Map, reflect.Pointer:
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if typ == reflect.TypeFor[time.Time]() || typ == reflect.TypeFor[owner]() { // the section port has the keys of owner
			return
		}
		section, ok := jsonSections[typ]
		if !ok {
			t.Errorf("%v has no section", typ)
			return
		}
		seen[section] = true
		keys, nested := jsonKeys(typ)
		if !slices.Equal(keys, documented[section]) {
			t.Errorf("%s has the keys %v, but in the topic %v", section, keys, documented[section])
		}
		for _, inner := range nested {
			walk(inner)
		}
	}
	for _, value := range jsonValues {
		walk(reflect.TypeOf(value))
	}
	for section := range documented {
		if !seen[section] {
			t.Errorf("no command prints a %s", section)
		}
	}
	if keys, _ := jsonKeys(reflect.TypeFor[owner]()); !slices.Equal(keys[len(keys)-2:], []string{"branch?", "commit?"}) || len(keys) != len(documented["lease"])+2 {
		t.Errorf("a lease of who has the keys %v", keys)
	}
}

// jsonKeys returns the keys of a struct in order, with ? if they may be
// omitted, and the types of their values.
func jsonKeys(typ reflect.Type) (keys []string, nested []reflect.Type) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			k, n := jsonKeys(f.Type)
			keys, nested = append(keys, k...), append(nested, n...)
		case tag != "-" && f.IsExported():
			if options != "" {
				tag += "?"
			}
			keys, nested = append(keys, tag), append(nested, f.Type)
		}
	}
	return keys, nested
}

// TestJSONCase checks that all keys are in snake case.
func TestJSONCase(t *testing.T) {
	for typ := range jsonSections {
		keys, _ := jsonKeys(typ)
		for _, key := range keys {
			if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*\??$`).MatchString(key) {
				t.Errorf("%v: %s", typ, key)
			}
		}
	}
}
