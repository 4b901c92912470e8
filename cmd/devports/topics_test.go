package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// topicExamples are the Portfiles in a topic: each indented block that starts
// with a table.
func topicExamples(text string) []string {
	return regexp.MustCompile(`(?m)^  \[(?:.+\n|\n  \[)+`).FindAllString(text, -1)
}

// keyExamples are Portfiles with one key of the topic each, as in its
// example.
func keyExamples(text string) (examples []string) {
	project, service, _ := strings.Cut(text, "Keys of a service:")
	service, step, _ := strings.Cut(service, "Keys of a step in [setup]:")
	line := regexp.MustCompile(`(?m)^  ([a-z_]+ = .+?) {2,}\S`)
	for _, m := range line.FindAllStringSubmatch(project, -1) {
		example := m[1]
		if !strings.HasPrefix(example, "services") {
			example += "\n[services]\napi = 'x'\ndb = 'x'\n"
		}
		examples = append(examples, example)
	}
	for _, m := range line.FindAllStringSubmatch(service, -1) {
		example := "[services]\ndb = 'x'\n[services.auth]\n" + m[1] + "\n"
		switch key, _, _ := strings.Cut(m[1], " "); key {
		case "command":
		case "compose", "compose_file":
			continue // they need an engine: the scripts container_* try them
		case "image":
			example += "container_port = 5432\n"
		case "container_port":
			example += "image = 'x'\n"
		case "volumes":
			example += "image = 'x'\ncontainer_port = 5432\n"
		case "container_ports":
			example += "image = 'x'\ncontainer_port = 5432\nports = ['admin']\n"
		default:
			example += "command = 'x'\n"
		}
		examples = append(examples, example)
	}
	for _, m := range line.FindAllStringSubmatch(step, -1) {
		example := "[setup.deps]\n" + m[1] + "\n"
		if !strings.HasPrefix(m[1], "command") {
			example += "command = 'x'\n"
		}
		examples = append(examples, example+"[services]\ndb = 'x'\n")
	}
	return examples
}

func TestTopicExamples(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"vendor", "web"} {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{".env", "auth.env", "setup.env", "package-lock.json", "vendor/x.go"} { // for patterns
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"web", "pay"} { // to include
		dir := filepath.Join("apps", name)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "Portfile"), []byte("services = { "+name+" = 'x' }"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	portfile, _ := topicNamed("portfile")
	environment, _ := topicNamed("environment")
	examples := append(keyExamples(portfile.text), topicExamples(portfile.text)...)
	if len(examples) < 20 {
		t.Errorf("the topic has %d examples", len(examples))
	}
	for _, example := range append(examples, topicExamples(environment.text)...) {
		if strings.HasPrefix(example, "uses") {
			continue // it needs another project
		}
		var said bytes.Buffer
		if status := run([]string{"devports", "check", "-f", "-"}, strings.NewReader(example), &bytes.Buffer{}, &said); status != 0 || said.Len() > 0 {
			t.Errorf("status %d, %s\n%s", status, &said, example)
		}
	}
}

// TestTopicEnvironment checks that the topic has every variable of devports.
func TestTopicEnvironment(t *testing.T) {
	topic, _ := topicNamed("environment")
	variable := regexp.MustCompile(`\bDEVPORTS_[A-Z]+|\b(?:NO|FORCE)_COLOR\b|\bXDG_[A-Z]+_[A-Z]+|\bPORTSERVER_ADDRESS\b`)
	found := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, name := range variable.FindAllString(string(source), -1) {
			found++
			if !strings.Contains(topic.text, name) {
				t.Errorf("%s is in %s, but not in the topic", name, path)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d found: %v", found, err)
	}
}

// TestTopicWidth limits lines to the width of a terminal, and indented lines to
// less, because man indents them further.
func TestTopicWidth(t *testing.T) {
	for _, topic := range topics {
		for line := range strings.Lines(topic.text) {
			width, limit := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80
			if strings.HasPrefix(line, " ") {
				limit = 73
			}
			if width > limit {
				t.Errorf("%s: %d columns: %s", topic.Name, width, line)
			}
		}
	}
}
