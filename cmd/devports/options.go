package main

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
)

// options returns c with the options that follow an argument, which the library
// would silently treat as arguments. After "--" there are none. The error is
// flag.ErrHelp if one of them has printed the help.
func (k command) options(c *cli.Context) (*cli.Context, error) {
	args := c.Args().Slice()
	end := len(args)
	if i := slices.Index(args, "--"); i >= 0 {
		end = i
	}
	var options, rest []string
	for i := 0; i < end; i++ {
		a := args[i]
		if i == 0 || !strings.HasPrefix(a, "-") || a == "-" {
			rest = append(rest, a)
			continue
		}
		options = append(options, a)
		if k.takesValue(a) && i+1 < end {
			i++
			options = append(options, args[i])
		}
	}
	if len(options) == 0 && end == len(args) || end == 0 {
		return c, nil
	}
	if err := k.set(c, options); err != nil {
		return nil, err
	}
	inner := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
	if err := inner.Parse(slices.Concat([]string{"--"}, rest, args[min(end+1, len(args)):])); err != nil {
		return nil, err
	}
	behind := cli.NewContext(c.App, inner, c) // the options are still found in c
	behind.Command = c.Command
	return behind, nil
}

// set sets options, as they are typed.
func (k command) set(c *cli.Context, options []string) error {
	for len(options) > 0 {
		name, value, given := strings.Cut(strings.TrimLeft(options[0], "-"), "=")
		if slices.Contains(cli.HelpFlag.Names(), name) {
			_ = wrongUsage(c, flag.ErrHelp, true)
			return flag.ErrHelp
		}
		i := slices.IndexFunc(k.flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
		if i < 0 {
			return wrongUsage(c, errors.New("flag provided but not defined: -"+name), true)
		}
		switch takes := k.takesValue(options[0]) || given && k.flags[i].(cli.DocGenerationFlag).TakesValue(); {
		case takes && !given && len(options) == 1:
			return wrongUsage(c, errors.New("flag needs an argument: -"+name), true)
		case takes && !given:
			value = options[1]
			options = options[1:]
		case !given:
			value = "true"
		}
		options = options[1:]
		if err := c.Set(k.flags[i].Names()[0], value); err != nil {
			return wrongUsage(c, fmt.Errorf("invalid value %q for flag -%s: %w", value, name, err), true)
		}
	}
	return nil
}

// optionsEnded reports whether a "--" preceded the first argument, after which
// everything is an argument. The library removes that "--".
func optionsEnded(c *cli.Context) bool {
	lineage := c.Lineage()
	if len(lineage) < 2 || lineage[1].Args() == nil {
		return false
	}
	typed := lineage[1].Args().Tail()
	before := len(typed) - c.NArg() - 1
	return before >= 0 && typed[before] == "--"
}

// takesValue reports whether the option, as typed, is followed by its value.
func (k command) takesValue(option string) bool {
	name := strings.TrimLeft(option, "-")
	return name != option && slices.ContainsFunc(k.flags, func(f cli.Flag) bool {
		return slices.Contains(f.Names(), name) && f.(cli.DocGenerationFlag).TakesValue()
	})
}

// wrongUsage converts the library's errors about options.
func wrongUsage(c *cli.Context, err error, _ bool) error {
	if errors.Is(err, flag.ErrHelp) {
		cli.HelpPrinter(c.App.Writer, commandHelp, c.Command)
		return nil
	}
	status, hint := exitUsage, "devports --help"
	var names []string
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != "devports" {
		full, _, _ := strings.Cut(c.Command.UsageText, " [OPTION") // a subcommand, too
		hint = full + " --help lists the options"
		for _, f := range c.Command.Flags {
			names = append(names, f.Names()...)
		}
		if c.Command.Name == "run" || c.Command.Name == "exec" {
			status = exitRunFailed // others may be the command's
		}
	}
	message := err.Error()
	if name, ok := strings.CutPrefix(message, "flag provided but not defined: -"); ok {
		message = "unknown option " + dashed(name)
		command := ""
		if c.Command != nil && c.Command.Name != c.App.Name {
			command = c.Command.Name
		}
		if instead, ok := otherOptions()[command+" "+dashed(name)]; ok {
			hint = instead
		} else if near, ok := text.Nearest(name, names); ok {
			hint = "did you mean " + dashed(near) + "?"
		}
	} else if name, ok := strings.CutPrefix(message, "flag needs an argument: -"); ok {
		message = dashed(name) + " requires a value"
	} else if parts := invalidValue().FindStringSubmatch(message); parts != nil && c.Command != nil {
		message, hint = wrongValue(c.Command.Flags, parts[1], parts[2], parts[3])
	}
	return fail(status, hint, "%s", message)
}

// invalidValue matches the errors of the library, and of set, about the value of
// an option: the quoted value, the option and the reason.
var invalidValue = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-(\S+): (.*)$`)
})

// wrongValue describes the value of an option that is none of its type, and
// hints at one that is.
func wrongValue(flags []cli.Flag, quoted, name, reason string) (message, hint string) {
	option := dashed(name)
	i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return fmt.Sprintf("%s: invalid value %s: %s", option, quoted, reason), ""
	}
	switch flags[i].(type) {
	case *cli.DurationFlag:
		return fmt.Sprintf("%s: invalid time %s", option, quoted), "use a number with a unit, such as 500ms, 30s or 2m"
	case *cli.IntFlag:
		value, _ := strconv.Unquote(quoted)
		if _, err := strconv.ParseInt(value, 0, strconv.IntSize); errors.Is(err, strconv.ErrRange) {
			return fmt.Sprintf("%s: %s is out of range", option, value), "use a smaller number, such as 10"
		}
		return fmt.Sprintf("%s: %s is not a whole number", option, quoted), "use a number, such as 10"
	case *cli.BoolFlag:
		return fmt.Sprintf("%s is either on or off, not %s", option, quoted), fmt.Sprintf("use %s, or %[1]s=false", option)
	}
	return fmt.Sprintf("%s: invalid value %s: %s", option, quoted, reason), fmt.Sprintf("for example: %s web=2", option) // replicas
}

// dashed is an option with its dashes.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// prepared returns flags for urfave/cli. A generic flag is a copy without a value:
// the library stores what it parses in it. Help does not say of a flag without a
// value that it is false by default.
func prepared(flags []cli.Flag) []cli.Flag {
	flags = slices.Clone(flags)
	for i, f := range flags {
		switch f := f.(type) {
		case *cli.GenericFlag:
			own := *f
			own.Value = replicas{} // the only type of generic flags here
			flags[i] = &own
		case *cli.BoolFlag:
			f.DisableDefaultText = true
		}
	}
	return flags
}
