package scaffold

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// deno finds the development task of deno.json, and those of its workspace.
func deno(t tree, dir string) (f findings) {
	file, m := denoFile(t, dir, &f)
	if file == "" {
		return f
	}
	for _, member := range m.members() {
		if below := path.Join(dir, member); below != dir && t.isDir(below) && !strings.HasPrefix(below, "..") {
			g := deno(t, below)
			f.include(g)
			f.visited = append(f.visited, below)
		}
	}
	for _, name := range []string{"dev", "start", "serve"} {
		task := m.task(name)
		if task == "" {
			continue
		}
		s := serviceIn(dir, file)
		s.Part, s.Command = "task "+name, "deno task "+name
		server := PortFlag(task)
		switch {
		case server.appended != "":
			s.Command += " " + server.appended
			s.Note = server.Framework + ", which needs its port as an argument"
		case mentionsPort(task):
		case strings.Contains(task, "deno serve"):
			s.Command += " --port $PORT"
			s.Note = "deno serve, which needs its port as an argument"
		default:
			s.guessPort("", task)
			s.Remarks = append(s.Remarks, "Deno.serve ignores PORT by itself: pass { port: Number(Deno.env.get(\"PORT\")) } in the code.")
		}
		f.add(s, names(dir, "web")...)
		return f
	}
	return f
}

type denoConfig struct {
	Tasks     map[string]any
	Workspace any // a list, or an object with that list as "members"
}

func denoFile(t tree, dir string, f *findings) (file string, m denoConfig) {
	for _, name := range []string{"deno.json", "deno.jsonc"} {
		src, ok := t.read(path.Join(dir, name))
		if !ok {
			continue
		}
		if err := json.Unmarshal(plainJSON(src), &m); err != nil {
			f.leaveOut(path.Join(dir, name), "cannot parse it: %v", err)
			return "", m
		}
		return name, m
	}
	return "", m
}

func (m denoConfig) members() []string {
	list := texts(m.Workspace)
	if object, ok := m.Workspace.(map[string]any); ok {
		list = texts(object["members"])
	}
	return slices.DeleteFunc(list, func(s string) bool { return strings.ContainsAny(s, "*?") || !printable(s) })
}

// task returns the text of a task: a string, or an object with a command.
func (m denoConfig) task(name string) string {
	if object, ok := m.Tasks[name].(map[string]any); ok {
		text, _ := object["command"].(string)
		return text
	}
	text, _ := m.Tasks[name].(string)
	return text
}

// plainJSON replaces comments and trailing commas, which Deno allows, by
// spaces.
func plainJSON(src []byte) []byte {
	plain := slices.Clone(src)
	comma := -1 // the last one, if nothing but space follows it
	for i := 0; i < len(plain); i++ {
		rest := string(plain[i:min(i+2, len(plain))])
		switch {
		case plain[i] == '"':
			for i++; i < len(plain) && plain[i] != '"'; i++ {
				if plain[i] == '\\' {
					i++
				}
			}
			comma = -1
		case rest == "//" || rest == "/*":
			end := "\n"
			if rest == "/*" {
				end = "*/"
			}
			length := bytes.Index(plain[i+2:], []byte(end))
			if length < 0 && rest == "/*" {
				return plain // an error
			} else if length < 0 {
				length = len(plain) - i - 2 - len(end)
			}
			stop := i + 2 + length + len(end)
			for ; i < stop; i++ {
				plain[i] = ' '
			}
			i--
		case plain[i] == ',':
			comma = i
		case (plain[i] == '}' || plain[i] == ']') && comma >= 0:
			plain[comma], comma = ' ', -1
		case !strings.ContainsRune(" \t\r\n", rune(plain[i])):
			comma = -1
		}
	}
	return plain
}
