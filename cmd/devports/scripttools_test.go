package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// portable are the programs that every Unix system of the tests has, besides
// devports and the programs of TestMain.
var portable = strings.Fields("sh cat chmod chown cp echo env false go grep head kill ln ls mkdir mkfifo mv pgrep printenv printf readlink rm sed sleep sort tail tee test touch tr true wc")

// onlyLinux are the conditions that hold on Linux only.
var onlyLinux = []string{"linux", "netns", "mountns", "engine"}

// unportable are the tools and options that some system lacks. A script that
// uses one names a condition of these, in a line with skip or stop before it, or
// in the same line.
var unportable = sync.OnceValue(func() (rules []rule) {
	for _, r := range [][2]string{
		{`\bsetsid\b`, "exec:setsid"},
		{`\bunshare\b`, "exec:unshare"},
		{`\bprlimit\b`, "exec:prlimit"},
		{`\bsetpriv\b`, "exec:setpriv postgres"},
		{`\bstrace\b`, "exec:strace"},
		{`\b(nsenter|losetup|iptables|systemctl|ldd|tac|shuf|nproc|stdbuf|md5sum|sha256sum|fallocate)\b[^:=]`, ""},
		{`\bip (link|addr|route)\b`, ""},
		{`(^|[^-\w])timeout (-[-\w]+[= ]\S+ )*[0-9]`, "exec:timeout"},
		{`/proc/[^n]`, "postgres exists:/proc/self/status exists:/proc/self/stat exists:/proc/sys/net/ipv4/ip_unprivileged_port_start"},
		{`/dev/full`, "exists:/dev/full"},
		{`@devports-`, ""}, // an abstract address
		{`127\.0\.0\.[2-9]`, ""},
		{`\bscript -\w*c`, "exec:script"},

		// options of GNU and of util-linux
		{`\bscript -\w*q\w* -?c`, ""},
		{`\bsed -i[^.]`, ""},        // BSD's needs a suffix, as in sed -i.bak
		{`\bsed [^|;]*\\[|+?]`, ""}, // in basic regular expressions: use sed -E
		{`\bgrep (-[^E ]+ )*'[^']*\\\|`, ""},
		{`\bstat -c`, "exec:setpriv"},
		{`\breadlink -f`, ""},
		{`\bdate [^|;&]*%N`, ""},
		{`\bgrep -\w*P`, ""},
		{`\b(head|tail) -n -`, ""},
		{`\bhead -c \d+[KM]`, ""},
		{`\btail --`, ""},
		{`\btruncate -`, ""},
		{`\bxargs -\w*r`, ""},
		{`\bsort -\w*V`, "postgres"},
		{`\bcp -\w*[at]`, ""},
		{`\b(touch|date) -d`, ""},
		{`\bfind .*-printf`, ""},
		{`\bbase64 -w`, ""},
		{`\bps -?\w*o\b`, ""},
	} {
		rules = append(rules, rule{regexp.MustCompile(r[0]), append(strings.Fields(r[1]), onlyLinux...)})
	}
	return rules
})

type rule struct {
	use        *regexp.Regexp
	conditions []string
}

// allows reports whether one of the conditions holds, so that there is the tool.
func (r rule) allows(conditions []string) bool {
	return slices.ContainsFunc(r.conditions, func(c string) bool { return slices.Contains(conditions, c) })
}

// scriptLine is a line of a script, with the conditions at its beginning.
var scriptLine = regexp.MustCompile(`^((?:\[[^]]*\] *)*)(.*)$`)

// TestScriptTools checks that scripts skip what a system cannot do, rather than
// fail there: few are run on each system before a release.
func TestScriptTools(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("../../testscripts/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range scripts {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range unguarded(txtar.Parse(text)) {
			t.Errorf("%s:%s", path, problem)
		}
	}
}

// unguarded returns the uses of tools that a script does not make conditional. In
// its files they may stand before or after the condition.
func unguarded(script *txtar.Archive) (problems []string) {
	var guards []string // the conditions without which the script ends
	check := func(place, text string, here []string) {
		for _, r := range unportable() {
			if use := r.use.FindString(text); use != "" && !r.allows(here) {
				problems = append(problems, fmt.Sprintf("%s: %q works on some systems only: [!%s] skip 'why'", place, use, r.conditions[0]))
			}
		}
	}
	for i, line := range strings.Split(string(script.Comment), "\n") {
		place, parts := fmt.Sprint(i+1), scriptLine.FindStringSubmatch(line)
		conditions := strings.FieldsFunc(strings.NewReplacer("engine:1", "engine", "engine:2", "engine").Replace(parts[1]), func(r rune) bool { return strings.ContainsRune("[] ", r) })
		here := append(slices.Clone(guards), conditions...)
		words := strings.Fields(strings.TrimPrefix(parts[2], "! "))
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
			continue
		case words[0] == "skip" || words[0] == "stop":
			for _, c := range conditions {
				guards = append(guards, strings.TrimPrefix(c, "!"))
			}
			continue
		case slices.Contains([]string{"stdout", "stderr", "await", "grep"}, words[0]):
			continue // what devports prints
		}
		known := len(problems)
		check(place, parts[2], here)
		program := programOf(words)
		own := programs[program] != nil || slices.Contains(portable, program) || program == ""
		needs := rule{conditions: append([]string{"exec:" + program, "postgres"}, onlyLinux...)}
		if len(problems) == known && !own && !needs.allows(here) {
			problems = append(problems, fmt.Sprintf("%s: not every system has %s: [!exec:%[2]s] skip '%[2]s is missing'", place, program))
		}
	}
	for _, f := range script.Files {
		for i, line := range strings.Split(string(f.Data), "\n") {
			if !strings.HasPrefix(strings.TrimSpace(line), "#") {
				check(fmt.Sprintf(" %s:%d", f.Name, i+1), line, guards)
			}
		}
	}
	return problems
}

// programOf returns the program that a command of a script starts; "" if it
// starts none, or one of the script.
func programOf(words []string) string {
	switch skip := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "-tty" }); {
	case words[0] == "tmux":
		return "tmux"
	case words[0] == "exec" && len(words) > 1:
		return ownProgram(words[1])
	case (words[0] == "start" || words[0] == "capture") && len(skip) > 2:
		return ownProgram(skip[2])
	}
	return ""
}

func ownProgram(name string) string {
	if strings.ContainsAny(name, "/$") {
		return ""
	}
	return name
}

func TestUnguarded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		script string
		want   int
	}{
		{"exec setsid true", 1},
		{"[!exec:setsid] skip 'why'\nexec setsid true", 0},
		{"[!linux] stop\nexec setsid true", 0},
		{"exec setsid true\n[!linux] stop", 1},
		{"[linux] exec setsid true", 0},
		{"[!exec:setsid] exec true\nexec setsid true", 1},
		{"# setsid\nstdout setsid", 0},
		{"exec devports up\n-- Portfile --\nweb = 'setsid -f x'", 1},
		{"[!exec:setsid] skip\nexec devports up\n-- Portfile --\nweb = 'setsid -f x'", 0},
		{"exec sh -c 'sed -i s/a/b/ f'", 1},
		{"exec sh -c 'sed -i.bak s/a/b/ f'", 0},
		{"exec devports wait --timeout 100ms\nstart up sh -c 'timeout 5 devports ps'", 1},
		{"start -tty up nginx -v", 1},
		{"[!exec:nginx] skip\nstart -tty up nginx -v", 0},
		{"capture P freeport\nstart h hold 127.0.0.1:$P\nexec $PROGRAM", 0},
		{"[!engine:1] skip\nexec docker ps", 0},
		{"tmux keys a", 1},
		{`exec sh -c "grep 'a\\|b' f"`, 1},
		{`exec sh -c "grep -E 'a|b' f"`, 0},
		{`exec sh -c "sed 's/a\\+//' f"`, 1},
	} {
		if got := unguarded(txtar.Parse([]byte(tt.script + "\n"))); len(got) != tt.want {
			t.Errorf("%s: %q, want %d", tt.script, got, tt.want)
		}
	}
}
