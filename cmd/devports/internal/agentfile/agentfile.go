// Package agentfile has the files from which coding agents learn how to use
// devports in a project. Text that devports writes is between two marks, and
// nothing outside of them changes. JSON has no comments: there a file is either
// devports' own as a whole, or left alone.
package agentfile

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"slices"
)

// Skill is the text for agents, in Markdown.
//
//go:embed skill.md
var Skill string

// Description is when an agent reads the skill.
const Description = "Starts and stops the services (servers, databases) of this project, finds their ports and addresses, reads their logs. " +
	"Use it before you start a server, open or curl localhost, run tests against a server, or end a process."

// File is a file for an agent.
type File struct {
	Path   string // below the project, with slashes
	Header string // at the start of a new file, before the block
	JSON   []byte // the whole file; nil for a file with a block

	// Own reports whether devports has written an existing JSON file.
	Own func(content []byte) bool
}

// Tool is a tool that runs agents.
type Tool struct {
	Name, Product string
	Traces        []string // files and directories of projects that use it
	Files         func(services []Service) []File
}

// Service is a service with a port.
type Service struct {
	Name string
	Port int
}

// Tools are the tools in the order of their options.
func Tools() []Tool {
	return []Tool{
		{"claude", "Claude Code", []string{"CLAUDE.md", ".claude"}, func(services []Service) []File {
			// A skill is read when its description fits the task.
			files := []File{{Path: ".claude/skills/devports/SKILL.md", Header: "---\nname: devports\ndescription: " + Description + "\n---\n"}}
			if len(services) > 0 {
				files = append(files, launchFile(services))
			}
			return files
		}},
		{"codex", "Codex and others that read AGENTS.md", []string{"AGENTS.md", ".codex"}, func([]Service) []File {
			return []File{{Path: "AGENTS.md"}}
		}},
		{"cursor", "Cursor", []string{".cursor", ".cursorrules"}, func([]Service) []File {
			return []File{
				{Path: ".cursor/rules/devports.mdc", Header: "---\ndescription: " + Description + "\nglobs:\nalwaysApply: false\n---\n"},
				worktreesFile(),
			}
		}},
		{"conductor", "Conductor", []string{"conductor.json"}, func([]Service) []File { return []File{conductorFile()} }},
	}
}

// HasSkill reports whether one of the tool's files has the skill. Conductor runs
// tools that have files of their own.
func (t Tool) HasSkill() bool {
	return slices.ContainsFunc(t.Files(nil), func(f File) bool { return f.JSON == nil })
}

// launch is .claude/launch.json, from which Claude Code starts servers for its
// preview: it opens the port once something listens on it.
type launch struct {
	Version        string          `json:"version"`
	Configurations []configuration `json:"configurations"`
}

type configuration struct {
	Name              string   `json:"name"`
	RuntimeExecutable string   `json:"runtimeExecutable"`
	RuntimeArgs       []string `json:"runtimeArgs"`
	Port              int      `json:"port"`
}

// launchFile starts each service as the preview needs it: the command lasts
// while the preview does, and joins a run that is there.
func launchFile(services []Service) File {
	l := launch{Version: "0.0.1"}
	for _, s := range services {
		l.Configurations = append(l.Configurations, configuration{
			s.Name, "devports", []string{"run", "--up", "-s", s.Name, "--", "devports", "logs", "-f", s.Name}, s.Port,
		})
	}
	return File{Path: ".claude/launch.json", JSON: encode(l), Own: func(content []byte) bool {
		var l launch
		d := json.NewDecoder(bytes.NewReader(content))
		d.DisallowUnknownFields()
		if d.Decode(&l) != nil || len(l.Configurations) == 0 {
			return false
		}
		return !slices.ContainsFunc(l.Configurations, func(c configuration) bool { return c.RuntimeExecutable != "devports" })
	}}
}

// worktreesFile is .cursor/worktrees.json: what Cursor runs in a new worktree.
func worktreesFile() File {
	content := encode(map[string][]string{"setup-worktree": {"devports setup"}})
	return File{Path: ".cursor/worktrees.json", JSON: content, Own: func(found []byte) bool { return string(found) == string(content) }}
}

// conductorFile is conductor.json: what Conductor runs in a new workspace, with its
// button Run, and before it removes a workspace. The directory of that is still
// there: prune releases the ports of those removed earlier.
func conductorFile() File {
	type scripts struct {
		Setup   string `json:"setup"`
		Run     string `json:"run"`
		Archive string `json:"archive"`
	}
	content := encode(map[string]scripts{
		"scripts": {"devports setup", "devports run --up -- devports logs -f", "devports down; devports prune"},
	})
	return File{Path: "conductor.json", JSON: content, Own: func(found []byte) bool { return string(found) == string(content) }}
}

func encode(v any) []byte {
	var content bytes.Buffer
	e := json.NewEncoder(&content)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // a constant
	}
	return content.Bytes()
}

// New returns the content of the file with its block, given the existing
// content; "" stands for no file. For a JSON file that devports has not written,
// other is true. The error is a *DamagedError.
func (f File) New(found string) (content string, other bool, err error) {
	switch {
	case f.JSON != nil && found != "" && !f.Own([]byte(found)):
		return found, true, nil
	case f.JSON != nil:
		return string(f.JSON), false, nil
	case found == "":
		found = f.Header
	}
	content, err = Set(found, Skill)
	return content, false, err
}

// Without returns the content of the file without what New has added; "" if
// nothing else is in it. The error is a *DamagedError.
func (f File) Without(found string) (content string, err error) {
	if f.JSON != nil {
		if f.Own([]byte(found)) {
			return "", nil
		}
		return found, nil
	}
	content, err = Remove(found)
	if content == f.Header {
		content = ""
	}
	return content, err
}
