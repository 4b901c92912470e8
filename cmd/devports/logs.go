package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"regexp/syntax"
	"slices"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
)

var logsCommand = command{
	name:  "logs",
	usage: "show the output of services",
	args:  "[SERVICE…]",
	help: `
Prints the output of all services, or of the named ones. If nothing is running,
it prints the output of the last run, and a note on how that run ended. The name
devports stands for devports' own lines. The last five runs of a checkout are
kept, with up to 30 MB per service; DEVPORTS_LOGS limits the size of all logs.

TIME is a duration before now, such as 10m, a time of day, a date, or both: 15:04,
2026-11-21, "2026-11-21 15:04:05". RE is a Go regular expression; it ignores
colours. With --json each line has a cursor; --cursor continues after it, with -n
for at most N lines.

Example:
  devports logs -n 50 auth
  devports logs -f
  devports logs --grep 'timeout|refused' -i -C 2
  devports logs --run 2 --since 03:00 --until 03:30 web
  devports logs --json --since 10m
  devports logs --clear`,
	flags: append([]cli.Flag{
		&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "follow the output, and that of later runs, until Ctrl-C"},
		&cli.IntFlag{Name: "n", Value: -1, Base: 10, Usage: "print only the last `N` lines", DefaultText: "all"},
		&cli.StringFlag{Name: "since", Usage: "print only lines since `TIME`"},
		&cli.StringFlag{Name: "until", Usage: "print only lines until `TIME`"},
		&cli.StringFlag{Name: "grep", Usage: "print only lines that match `RE`"},
		&cli.BoolFlag{Name: "ignore-case", Aliases: []string{"i"}, Usage: "ignore case in --grep"},
		&cli.IntFlag{Name: "context", Aliases: []string{"C"}, Base: 10, Usage: "with --grep, also print `N` lines of the service before and after", DefaultText: "0"},
		&cli.IntFlag{Name: "run", Base: 10, Usage: "print the output of run `N`: 1 is the current or last run, 2 the one before", DefaultText: "1"},
		&cli.StringFlag{Name: "cursor", Usage: "print only what follows `CURSOR`, from --json"},
		&cli.BoolFlag{Name: "clear", Usage: "remove the logs of this checkout"},
		&cli.BoolFlag{Name: "raw", Usage: "print the services' control sequences, too"},
		jsonFlag, &cli.StringFlag{Name: "file", Usage: fileFlag.Usage}, // -f is taken
	}, runFlags...),
	completes: func(l line) []candidate {
		return append([]candidate{{Word: "devports", About: "devports' own lines"}}, servicesAndGroups(l)...)
	},
	run: logs,
}

func logs(s session, c *cli.Context) error {
	o, err := readLogsOptions(c, time.Now())
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, stopSignals()...)
	defer stop()
	l, err := s.findLogs(c)
	if err != nil {
		return err
	}
	o.query.Services = s.expandGroups(c, l.scope, l.instance, o.query.Services)
	if len(o.query.Services) > 0 {
		l = s.sharedLogs(c, l, o.query.Services)
	}
	if c.Bool("clear") {
		return l.clear()
	}
	p := newLogPrinter(s, c)
	defer p.close()
	err = l.show(ctx, o, p)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // Ctrl-C ends logs -f
	}
	if errors.Is(err, syscall.EPIPE) {
		return nil // its reader has seen enough, like head
	}
	return err
}

// logsOptions select lines.
type logsOptions struct {
	query  logstore.Query
	run    int // 1 for the latest
	cursor logstore.Cursor
	follow bool
}

// lineOptions are the options that select lines or change how they are printed.
// --clear refuses them: it would remove more than they select.
var lineOptions = []string{
	"follow", "n", "since", "until", "grep", "ignore-case", "context", "run", "cursor", "raw", "json",
}

func readLogsOptions(c *cli.Context, now time.Time) (o logsOptions, err error) {
	o = logsOptions{follow: c.Bool("follow"), run: c.Int("run"), query: logstore.Query{Services: c.Args().Slice(), Last: c.Int("n")}}
	for option, into := range map[string]*time.Time{"since": &o.query.Since, "until": &o.query.Until} {
		if text := c.String(option); text != "" {
			if *into, err = parseMoment(text, now); err != nil {
				return o, usage("use 10m, 15:04, 2026-11-21 or \"2026-11-21 15:04:05\"", "--%s: %v", option, err)
			}
		}
	}
	if c.IsSet("grep") {
		o.query.Match, err = logstore.NewMatcher(c.String("grep"), c.Bool("ignore-case"))
		var wrong *syntax.Error
		if errors.As(err, &wrong) {
			return o, usage("see https://pkg.go.dev/regexp/syntax", "--grep: %v", wrong)
		}
	}
	if c.IsSet("cursor") {
		if o.cursor, err = logstore.ParseCursor(c.String("cursor")); err != nil {
			return o, usage("use a cursor from devports logs --json", "--cursor: %v", err)
		}
		o.query.First, o.query.Last = max(o.query.Last, 0), -1
	}
	o.query.Context = c.Int("context")
	switch {
	case o.query.Match == nil && (c.IsSet("ignore-case") || c.IsSet("context")):
		return o, usage("devports logs -i -C 2 --grep RE", "-i and -C require --grep")
	case c.Int("n") < 0 && c.IsSet("n"):
		return o, usage("devports logs -n 50", "-n must be a number of lines, not %d", c.Int("n"))
	case o.query.Context < 0:
		return o, usage("devports logs --grep RE -C 2", "-C must be a number of lines, not %d", o.query.Context)
	case c.IsSet("run") && (o.run < 1 || c.IsSet("cursor")):
		return o, usage("devports logs --run 2", "--run must be 1 for the current or last run, 2 for the one before, and so on, without --cursor")
	case o.follow && o.run > 1:
		return o, usage("devports logs -f", "-f cannot follow --run %d, which has ended", o.run)
	case o.follow && !o.query.Until.IsZero():
		return o, usage("", "-f and --until cannot be used together")
	case c.Bool("clear") && (c.NArg() > 0 || slices.ContainsFunc(lineOptions, c.IsSet)):
		return o, usage("devports logs --clear", "--clear removes all logs of this checkout; it cannot be combined with services or other options")
	}
	o.run = max(o.run, 1)
	return o, nil
}

// parseMoment parses a time of the command line: a duration before now, a time of
// day (the latest one), a date, or both.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location())
			if t.After(now) {
				t = t.AddDate(0, 0, -1)
			}
			return t, nil
		}
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time", text)
}

// clockTime formats a time, with the date unless it is today.
func clockTime(t, now time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == now.Local().Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// formatEnd formats how a run ended; "" while it is running.
func formatEnd(r logstore.Run) string {
	name := address(scopeOfStored(r))
	switch {
	case r.Live:
		return ""
	case !r.Killed():
		return fmt.Sprintf("%s ended at %s: %s", name, clockTime(r.At, time.Now()), r.Reason)
	case r.Last().IsZero():
		return fmt.Sprintf("%s was killed; it started at %s", name, clockTime(r.Began, time.Now()))
	}
	return fmt.Sprintf("%s was killed; its last line is from %s", name, clockTime(r.Last(), time.Now()))
}

// clear removes the logs of all runs.
func (l foundLogs) clear() error {
	var size int64
	var err error
	for _, r := range l.runs {
		before := r.Size()
		err = errors.Join(err, r.Remove())
		size += before
		if r.Live {
			size -= r.Size()
		}
	}
	if err != nil {
		return fail(exitFailed, "", "failed to remove some logs of %s: %s", l.scope, oneLine(err))
	}
	_, err = fmt.Fprintf(l.session.stdout, "removed the logs of %s of %s: %s\n", wording.Count(len(l.runs), "run"), l.scope, wording.Bytes(size))
	return err
}

// checkServices returns an error if a run has no service of one of these names.
func (l foundLogs) checkServices(ctx context.Context, r logstore.Run, names []string) error {
	known := append(r.Known(), output.Own)
	if r.Live && l.live {
		if info, err := l.instance.Client().Status(ctx); err == nil {
			for _, st := range info.Services {
				known = append(known, st.Service)
			}
			known = append(known, info.Inactive...)
		}
	}
	return unknownIn(l, names, known)
}
