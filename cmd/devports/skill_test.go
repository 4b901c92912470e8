package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/devports/devports/cmd/devports/internal/agentfile"
)

// skillText is what the skill for agents has in backquotes.
type skillText struct {
	commands map[string]*regexp.Regexp // by their text
	options  map[string]bool           // options of these, and whether they have a value
}

var parsedSkill = sync.OnceValue(func() skillText {
	skill := skillText{map[string]*regexp.Regexp{}, map[string]bool{}}
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(agentfile.Skill, -1) {
		words := strings.Fields(m[1])
		if command, ok := strings.CutPrefix(m[1], "devports "); ok {
			skill.commands[m[1]] = commandPattern(strings.Fields(command))
		}
		for i, word := range words {
			if strings.HasPrefix(words[0], "--") && strings.HasPrefix(word, "-") {
				skill.options[word] = i+1 < len(words) && !strings.HasPrefix(words[i+1], "-")
			}
		}
	}
	return skill
})

// commandPattern matches a command with other services, numbers and programs.
func commandPattern(words []string) *regexp.Regexp {
	var pattern []string
	for _, word := range words {
		switch {
		case word == "web":
			word = `[a-z]+`
		case word == "PORT" || regexp.MustCompile(`^\d+$`).MatchString(word):
			word = `\d+`
		case word == "--":
			return regexp.MustCompile("^" + strings.Join(append(pattern, "-- .+"), " ") + "$")
		default:
			word = regexp.QuoteMeta(word)
		}
		pattern = append(pattern, word)
	}
	return regexp.MustCompile("^" + strings.Join(pattern, " ") + "$")
}

// skillTasks is the progress of a script with tasks for an agent.
type skillTasks struct {
	tasks, shortest, commands int
	used                      []string // of the skill's commands and options
}

// cmdTask SHORTEST TEXT begins a task, which takes that many commands at least.
// "task end" checks that the skill has no command that no task has used, and that
// the tasks took at most 1.3 times the shortest way.
func cmdTask(ts *testscript.TestScript, neg bool, args []string) {
	progress := tasksOf(ts)
	if len(args) == 2 && !neg {
		shortest := 0
		if _, err := fmt.Sscan(args[0], &shortest); err != nil {
			ts.Fatalf("usage: task SHORTEST TEXT")
		}
		progress.tasks++
		progress.shortest += shortest
		return
	}
	skill := parsedSkill()
	for text := range skill.commands {
		if !slices.Contains(progress.used, text) {
			ts.Fatalf("no task uses: %s", text)
		}
	}
	for option := range skill.options {
		if !slices.Contains(progress.used, option) {
			ts.Fatalf("no task uses the option %s", option)
		}
	}
	if progress.tasks < 20 || float64(progress.commands) > 1.3*float64(progress.shortest) {
		ts.Fatalf("%d tasks took %d commands; the shortest way has %d", progress.tasks, progress.commands, progress.shortest)
	}
}

// cmdSkill COMMAND… runs a command of devports that the skill for agents has.
func cmdSkill(ts *testscript.TestScript, neg bool, args []string) {
	progress, skill := tasksOf(ts), parsedSkill()
	var bare []string
	for i := 0; i < len(args); i++ {
		hasValue, option := skill.options[args[i]]
		switch {
		case args[i] == "--":
			bare = append(bare, args[i:]...)
			i = len(args)
		case !option:
			bare = append(bare, args[i])
		default:
			progress.used = append(progress.used, args[i])
			if hasValue {
				i++
			}
		}
	}
	known := false
	for text, pattern := range skill.commands {
		if pattern.MatchString(strings.Join(bare, " ")) {
			known = true
			progress.used = append(progress.used, text)
		}
	}
	if !known {
		ts.Fatalf("the skill does not have: devports %s", strings.Join(args, " "))
	}
	progress.commands++
	if err := ts.Exec("devports", args...); (err != nil) != neg {
		ts.Fatalf("devports %s: %v", strings.Join(args, " "), err)
	}
}

func tasksOf(ts *testscript.TestScript) *skillTasks { return ts.Value(skillTasksKey{}).(*skillTasks) }

// skillTasksKey is the key of a script's *skillTasks.
type skillTasksKey struct{}
