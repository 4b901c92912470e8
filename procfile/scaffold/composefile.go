package scaffold

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Compose files in Docker's order of preference. The first that exists counts,
// together with its overrides.
var (
	composeFiles = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
	overrides    = []string{"compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml"}
	// Files that docker compose reads only with -f.
	variants = []string{
		"compose.dev.yaml", "compose.dev.yml", "docker-compose.dev.yaml", "docker-compose.dev.yml",
		"compose.local.yaml", "compose.local.yml", "docker-compose.local.yaml", "docker-compose.local.yml",
		"docker-compose-dev.yml", "docker-compose-dev.yaml",
	}
)

// composeFile is a compose file with its overrides.
type composeFile struct {
	files    []string // the file, then its overrides
	named    bool     // docker compose finds it only with -f
	services []composed
	project  string // the name of the project that they set; "" for the directory's
}

// composed is a service of a compose file.
type composed struct {
	name       string
	image      string
	dirs       []string // where it is built: the Dockerfile's directory, then the context
	container  bool     // it fixes the name of its container
	profiles   []string
	dependsOn  []string
	conditions map[string]string
	ports      []any
	expose     []any
	command    string // for the shell; "" is the image's own
	env        map[string]string
	secrets    bool
	health     string // for the shell; "" for none
}

// findCompose finds the compose file for development: in the root, else the
// only one for development in a directory such as docker; alone means that
// nothing else was found, so that any only one will do.
func findCompose(t tree, alone bool) (c composeFile, f findings) {
	files := t.present(composeFiles)
	others := t.present(variants)
	if len(files) == 0 {
		files, others = others, nil
		c.named = true
	}
	if len(files) == 0 {
		nested := nestedCompose(t)
		chosen := slices.DeleteFunc(slices.Clone(nested), func(p string) bool {
			return !strings.Contains(p, "dev") && !strings.Contains(p, "local")
		})
		if alone && len(nested) == 1 {
			chosen = nested
		}
		if len(chosen) != 1 {
			if len(nested) > 0 {
				f.leaveOut(strings.Join(few(nested, 3, "others"), ", "), "not in this directory, and not clearly for development: add the services that you need")
			}
			for _, file := range t.files(".devcontainer", "*compose*.y*ml") {
				f.leaveOut(path.Join(".devcontainer", file), "it is for a dev container")
			}
			return c, f
		}
		files = chosen
	}
	for _, other := range append(slices.Clone(files[1:]), others...) {
		f.leaveOut(other, "docker compose uses %s", files[0])
	}
	c.files = files[:1]
	c.services, c.project = composedIn(t, files[0], &f)
	if !c.named {
		for _, override := range t.present(overrides) {
			services, project := composedIn(t, override, &f)
			c.files = append(c.files, override)
			c.services, c.project = overlay(c.services, services), cmp.Or(project, c.project)
		}
	}
	return c, f
}

// nestedCompose returns the compose files below directories such as docker.
func nestedCompose(t tree) (found []string) {
	for _, top := range []string{"docker", "dev", "deploy", "deployment", "compose", "infra", "infrastructure", ".docker", "local"} {
		_ = fs.WalkDir(t.fs, top, func(p string, e fs.DirEntry, err error) error {
			switch {
			case err != nil || e.IsDir() && (strings.Count(p, "/") > 2 || slices.Contains([]string{"node_modules", "prod", "production", "test", "testing"}, e.Name())):
				return fs.SkipDir
			case !e.IsDir() && isComposeName(e.Name()) && quoteSh(p) == p && len(found) < 20:
				found = append(found, p)
			}
			return nil
		})
	}
	return found
}

func isComposeName(name string) bool {
	stem, yml := strings.CutSuffix(name, ".yml")
	if !yml {
		stem, yml = strings.CutSuffix(name, ".yaml")
	}
	return yml && (strings.HasPrefix(stem, "docker-compose") || stem == "compose" || strings.HasPrefix(stem, "compose.")) && !strings.Contains(stem, "override") && !strings.Contains(stem, "prod") && !strings.Contains(stem, "test")
}

// arguments returns docker compose with its options for the file.
func (c composeFile) arguments() string {
	if c.named {
		return "docker compose -f " + c.files[0]
	}
	return "docker compose"
}

// composedIn reads the services of a compose file, in the file's order, and the
// name of its project.
func composedIn(t tree, file string, f *findings) (list []composed, project string) {
	src, ok := t.read(file)
	if !ok {
		return nil, ""
	}
	var content struct {
		Name     any
		Services yaml.MapSlice
		Include  any
	}
	if err := yaml.Unmarshal(src, &content); err != nil {
		f.leaveOut(file, "cannot parse it: %s", firstLine(err))
		return nil, ""
	}
	if content.Include != nil {
		f.leaveOut(file+", include", "included files are not read")
	}
	for _, item := range content.Services {
		body, _ := item.Value.(map[string]any)
		c := composed{name: scalar(item.Key), image: scalar(body["image"]), profiles: texts(body["profiles"]), dependsOn: texts(body["depends_on"]), secrets: body["secrets"] != nil, container: body["container_name"] != nil}
		if m, ok := body["depends_on"].(map[string]any); ok {
			c.dependsOn, c.conditions = sortedKeys(m), map[string]string{}
			for on, options := range m {
				if options, ok := options.(map[string]any); ok {
					c.conditions[on] = scalar(options["condition"])
				}
			}
		}
		c.ports, _ = body["ports"].([]any)
		c.expose, _ = body["expose"].([]any)
		c.env = environment(body["environment"])
		c.command = strings.TrimSpace(shellOf(body["entrypoint"]) + " " + shellOf(body["command"]))
		c.health = healthcheck(body["healthcheck"])
		base := path.Dir(file)
		switch b := body["build"].(type) {
		case string:
			c.dirs = []string{path.Join(base, b)}
		case map[string]any:
			context := path.Join(base, cmp.Or(scalar(b["context"]), "."))
			if strings.Contains(context, "vendor/laravel/sail") { // an image for the whole project
				context = "."
			}
			c.dirs = []string{context}
			if below := path.Join(context, path.Dir(scalar(b["dockerfile"]))); below != context {
				c.dirs = []string{below, context}
			}
		}
		list = append(list, c)
	}
	return list, scalar(content.Name)
}

// overlay applies an override to the services. Lists are concatenated.
func overlay(services, override []composed) []composed {
	for _, o := range override {
		i := slices.IndexFunc(services, func(c composed) bool { return c.name == o.name })
		if i < 0 {
			services = append(services, o)
			continue
		}
		c := &services[i]
		c.ports = append(c.ports, o.ports...)
		c.expose = append(c.expose, o.expose...)
		c.dependsOn = append(c.dependsOn, o.dependsOn...)
		c.profiles = append(c.profiles, o.profiles...)
		for name, value := range o.env {
			if c.env == nil {
				c.env = map[string]string{}
			}
			c.env[name] = value
		}
		c.command, c.image, c.health = cmp.Or(o.command, c.command), cmp.Or(o.image, c.image), cmp.Or(o.health, c.health)
		if len(o.dirs) > 0 {
			c.dirs = o.dirs
		}
		c.secrets = c.secrets || o.secrets
		c.container = c.container || o.container
	}
	return services
}

// environment reads the variables of a service: a map, or a list of NAME=VALUE.
// A NAME without a value comes from the shell, in both worlds.
func environment(v any) map[string]string {
	env := map[string]string{}
	if m, ok := v.(map[string]any); ok {
		for name, value := range m {
			if value != nil {
				env[name] = scalar(value)
			}
		}
	}
	for _, line := range texts(v) {
		if name, value, ok := strings.Cut(line, "="); ok {
			env[name] = value
		}
	}
	return env
}

// shellOf returns a command of a compose file for the shell: a string is one,
// a list is quoted, and [sh, -c, LINE] is LINE.
func shellOf(v any) string {
	list, isList := v.([]any)
	if !isList {
		return strings.TrimSpace(strings.ReplaceAll(scalar(v), "\n", " "))
	}
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = scalar(w)
	}
	if len(words) == 3 && slices.Contains([]string{"sh", "bash", "/bin/sh", "/bin/bash"}, words[0]) && words[1] == "-c" {
		return words[2]
	}
	for i, w := range words {
		words[i] = quoteSh(w)
	}
	return strings.Join(words, " ")
}

// healthcheck returns the test of a service, for the shell in its container.
func healthcheck(v any) string {
	m, _ := v.(map[string]any)
	if m == nil || scalar(m["disable"]) == "true" {
		return ""
	}
	text := scalar(m["test"])
	if list, ok := m["test"].([]any); ok && len(list) > 1 {
		switch kind := scalar(list[0]); kind {
		case "CMD-SHELL":
			text = scalar(list[1])
		case "CMD":
			text = shellOf(list[1:])
		}
	}
	if text = strings.TrimSpace(text); !printable(text) || text == "NONE" || hasComposeVariable(text) {
		return ""
	}
	return strings.ReplaceAll(text, "$$", "$")
}

// hasComposeVariable reports whether docker compose would replace a variable in
// s.
func hasComposeVariable(s string) bool {
	return strings.Contains(strings.ReplaceAll(s, "$$", ""), "$")
}
