package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
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
	"check": checked{}, "check --explain": settingsOutput{}, "doctor": findingsOutput{}, "env": variablesOutput{}, "export": leasesOutput{},
	"import": importsOutput{}, "logs": logLine{}, "ls": leasesOutput{}, "pick": numbersOutput{}, "point": pointsOutput{}, "port": namedPortsOutput{},
	"portserver status": assignmentsOutput{}, "portserver ls": assignmentsOutput{}, "prune": leasesOutput{}, "rm": leasesOutput{},
	"ps": runsOutput{}, "ps --watch": runsOutput{}, "start": servicesOutput{}, "stop": servicesOutput{}, "restart": servicesOutput{}, "wait": servicesOutput{},
	"url": addressesOutput{}, "version": versions{}, "who": portsOutput{},
}

// jsonLines are the commands that print a value on each line.
var jsonLines = []string{"logs", "ps --watch"}

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
	reflect.TypeFor[versions]():          "build",
	reflect.TypeFor[whoRow]():            "port",
	reflect.TypeFor[pointRow]():          "point",
}

// jsonTopicKeys is what the topic json documents.
type jsonTopicKeys struct {
	commands map[string][]string // the keys of what a command prints
	sections map[string][]string // those of the values in it; with ? if they may be omitted
}

var documentedJSON = sync.OnceValue(func() jsonTopicKeys {
	topic, _ := topicNamed("json")
	documented := jsonTopicKeys{map[string][]string{}, map[string][]string{}}
	section := ""
	for line := range strings.Lines(topic.text) {
		if m := regexp.MustCompile(`^([\w]+):\n$`).FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if m := regexp.MustCompile(`^  (\S+) `).FindStringSubmatch(line); m != nil && section != "" {
			documented.sections[section] = append(documented.sections[section], m[1])
		}
	}
	list, _, _ := strings.Cut(topic.text, "\n\nlease:")
	for _, m := range regexp.MustCompile(`(?m)^  (\S.*?)\s\s+version, and (the keys of an? )?(\w+)`).FindAllStringSubmatch(list, -1) {
		keys := []string{"version", m[3]}
		if m[2] != "" {
			keys = slices.Concat([]string{"version"}, documented.sections[m[3]])
		}
		for command := range strings.SplitSeq(m[1], ", ") {
			documented.commands[command] = keys
		}
	}
	documented.commands["portserver ls"] = documented.commands["portserver status"] // its other name
	documented.commands["ps --watch"] = documented.commands["ps"]
	return documented
})

// cmdJSON fails unless standard output is valid --json output of a command: all
// keys that the topic documents, no others, and values of their types.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	name := strings.Join(args, " ")
	value, ok := jsonValues[name]
	if !ok || neg {
		ts.Fatalf("usage: json COMMAND")
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	values := 0
	for {
		var printed any
		err := d.Decode(&printed)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = checkJSON(printed, reflect.TypeOf(value), documentedJSON().commands[name])
		}
		if err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
		values++
	}
	if values == 0 || values > 1 && !slices.Contains(jsonLines, name) {
		ts.Fatalf("%s: %d values", name, values)
	}
}

// checkJSON compares a decoded value with its type, and the keys of objects with
// those that the topic documents for it: keys, or those of its section.
func checkJSON(value any, typ reflect.Type, keys []string) error {
	switch typ {
	case reflect.TypeFor[formatVersion]():
		if value != 1.0 {
			return fmt.Errorf("version is %v", value)
		}
		return nil
	case reflect.TypeFor[time.Time]():
		text, _ := value.(string)
		_, err := time.Parse(time.RFC3339, text)
		return err
	}
	switch typ.Kind() {
	case reflect.Pointer:
		if value == nil && typ.Elem().Kind() == reflect.String { // a variable to unset
			return nil
		}
		return checkJSON(value, typ.Elem(), keys)
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%v is not a list", value)
		}
		for _, item := range list {
			if err := checkJSON(item, typ.Elem(), nil); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is not an object", value)
		}
		for _, item := range object {
			if err := checkJSON(item, typ.Elem(), nil); err != nil {
				return err
			}
		}
		return nil
	case reflect.Struct:
		return checkJSONObject(value, typ, keys)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if value == nil {
		return errors.New("null")
	}
	return json.Unmarshal(text, reflect.New(typ).Interface())
}

func checkJSONObject(value any, typ reflect.Type, keys []string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%v is not an object", value)
	}
	if keys == nil && typ == reflect.TypeFor[owner]() {
		keys = slices.Concat(documentedJSON().sections["lease"], []string{"branch?", "commit?"})
	} else if keys == nil {
		keys = documentedJSON().sections[jsonSections[typ]]
	}
	names, types := jsonKeys(typ)
	for i, name := range names {
		key := strings.TrimSuffix(name, "?")
		item, there := object[key]
		switch {
		case !there && slices.Contains(keys, key):
			return fmt.Errorf("a %v lacks the key %s", typ, key)
		case !there:
			continue
		case !slices.Contains(keys, key) && !slices.Contains(keys, key+"?"):
			return fmt.Errorf("a %v has the undocumented key %s", typ, key)
		}
		if err := checkJSON(item, types[i], nil); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		delete(object, key)
	}
	if len(object) > 0 {
		return fmt.Errorf("a %v has the unknown keys %v", typ, object)
	}
	return nil
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
	found["check --explain"], found["ps --watch"] = true, true // options change what these print
	for name := range jsonValues {
		if !found[name] {
			t.Errorf("%s has no --json", name)
		}
		if !regexp.MustCompile(`(?m)^json ` + name + `$`).Match(script) {
			t.Errorf("the script does not run %s", name)
		}
		if len(documentedJSON().commands[name]) == 0 {
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
	documented := documentedJSON().sections
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
		if typ == reflect.TypeFor[time.Time]() || typ == reflect.TypeFor[formatVersion]() || typ == reflect.TypeFor[owner]() { // the section port has the keys of owner
			return
		}
		section, ok := jsonSections[typ]
		if !ok {
			t.Errorf("%v has no section", typ)
			return
		}
		seen[section] = true
		keys, nested := jsonKeys(typ)
		if keys[0] == "version" { // the list of commands has it
			keys = keys[1:]
		}
		if !slices.Equal(keys, documented[section]) {
			t.Errorf("%s has the keys %v, but in the topic %v", section, keys, documented[section])
		}
		for _, inner := range nested {
			walk(inner)
		}
	}
	for command, value := range jsonValues {
		keys, nested := jsonKeys(reflect.TypeOf(value))
		if !slices.Equal(keys, documentedJSON().commands[command]) {
			t.Errorf("%s prints the keys %v, but in the topic %v", command, keys, documentedJSON().commands[command])
		}
		if nested[0] != reflect.TypeFor[formatVersion]() {
			t.Errorf("%s prints no version", command)
		}
		if _, ok := jsonSections[reflect.TypeOf(value)]; ok {
			walk(reflect.TypeOf(value))
		}
		for _, typ := range nested {
			walk(typ)
		}
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
