package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// manual is the manual page, in roff with the macros of man(7). It has the same
// text as help.
func manual(about string, commands []command) string {
	var r roff
	r.macro("TH", "DEVPORTS", "1", "", "devports "+version().Devports, "User Commands")
	r.macro("nh") // hyphenated words cannot be searched for
	r.macro("SH", "NAME")
	r.text("devports - " + about)
	r.macro("SH", "SYNOPSIS")
	r.text("devports COMMAND [OPTION…] [ARGUMENT…]")
	r.macro("SH", "DESCRIPTION")
	r.text(examples)
	r.macro("SH", "COMMANDS")
	for _, k := range commands {
		r.command(k)
	}
	r.macro("SH", "EXIT STATUS")
	r.text(exitStatus)
	r.topic("SH", "ENVIRONMENT", "environment")
	r.topic("SH", "NAMED ADDRESSES", "front")
	r.topic("SH", "SHARED SERVICES", "shared")
	r.topic("SH", "JSON", "json")
	r.macro("SH", "FILES")
	r.topic("SS", "Portfile", "portfile")
	r.topic("SS", "registry.json", "registry")
	r.macro("SH", "SEE ALSO")
	r.text("git-worktree(1), https://github.com/devports/devports")
	return r.String()
}

// roff builds a manual page.
type roff struct{ strings.Builder }

// macro writes a macro with its arguments.
func (r *roff) macro(name string, args ...string) {
	r.WriteString("." + name)
	for _, arg := range args {
		r.WriteString(` "` + escapeRoff(arg) + `"`)
	}
	r.WriteString("\n")
}

// command writes the help of a command and its subcommands.
func (r *roff) command(k command) {
	if k.hidden {
		return
	}
	r.macro("SS", k.synopsis())
	r.text(k.usage + "\n\n" + strings.TrimSpace(k.help))
	for _, f := range k.flags {
		r.option(f.(cli.DocGenerationFlag))
	}
	for _, sub := range k.sub {
		r.command(sub)
	}
}

// option writes the help of an option.
func (r *roff) option(f cli.DocGenerationFlag) {
	var names []string
	for _, name := range f.Names() {
		names = append(names, `\fB`+escapeRoff(dashed(name))+`\fR`)
	}
	text := strings.Join(names, ", ")
	if value := placeholder(f); value != "" {
		text += ` \fI` + escapeRoff(value) + `\fR`
	}
	about := strings.ReplaceAll(f.GetUsage(), "`", "")
	if value := f.GetDefaultText(); f.TakesValue() && value != "" {
		about += fmt.Sprintf(" (default: %s)", value)
	}
	r.WriteString(".TP\n" + text + "\n")
	r.text(about)
}

// topic writes a topic under a heading.
func (r *roff) topic(macro, heading, name string) {
	t, _ := topicNamed(name)
	_, text, _ := strings.Cut(t.text, "\n")
	r.macro(macro, heading)
	r.text(t.Title + ".\n" + text)
}

// text writes a text in paragraphs. Indented lines are not filled.
func (r *roff) text(text string) {
	literal, gap := false, false
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		if line == "" {
			gap = true
			continue
		}
		indented := strings.HasPrefix(line, " ")
		if literal && !indented {
			r.WriteString(".fi\n")
		}
		if gap {
			r.WriteString(".PP\n")
		}
		if indented && !literal {
			r.WriteString(".nf\n")
		}
		literal, gap = indented, false
		r.WriteString(escapeRoff(line) + "\n")
	}
	if literal {
		r.WriteString(".fi\n")
	}
}

// roffEscapes escapes characters that groff would convert to typographic quotes
// and hyphens, which cannot be searched for or copied.
var roffEscapes = strings.NewReplacer(
	`\`, `\e`, "-", `\-`, `"`, `\(dq`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "…", "...",
)

// escapeRoff escapes text so that groff prints it literally. A leading dot does
// not start a macro.
func escapeRoff(text string) string {
	var b strings.Builder
	if strings.HasPrefix(text, ".") {
		b.WriteString(`\&`)
	}
	for _, r := range roffEscapes.Replace(text) {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}
