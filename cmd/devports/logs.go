package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"regexp/syntax"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
)

var logsCommand = command{
	name:  "logs",
	usage: "show what services have printed",
	args:  "[SERVICE…]",
	help: `
Shows the output of the up that runs here or, if none does, of the last one, and
how that ended: of all services, or of those named; "devports" names its own
lines. The last five runs of a checkout are kept, of each service the last 30 MB;
DEVPORTS_LOGS says how much all of them may take.

TIME is how long ago, such as 10m, or a time of day, a date or both: 15:04,
2026-11-21, "2026-11-21 15:04:05". RE is a regular expression as of Go; colours
in lines do not matter to it. With --json a line has a cursor: --cursor goes on
behind it, with the first N lines if -n is given.

Example:
  devports logs -n 50 auth
  devports logs -f
  devports logs --grep 'timeout|refused' -i -C 2
  devports logs --run 2 --since 03:00 --until 03:30 web
  devports logs --json --since 10m
  devports logs --clear`,
	flags: append([]cli.Flag{
		boolean("follow", "f", "go on with what comes, also of the next run, until Ctrl-C"),
		&cli.IntFlag{Name: "n", Value: -1, Base: 10, Usage: "only the last `N` lines", DefaultText: "all that are kept"},
		&cli.StringFlag{Name: "since", Usage: "only lines from `TIME` on"},
		&cli.StringFlag{Name: "until", Usage: "only lines up to `TIME`"},
		&cli.StringFlag{Name: "grep", Usage: "only lines that match `RE`"},
		boolean("ignore-case", "i", "with --grep, in any case"),
		&cli.IntFlag{Name: "context", Aliases: []string{"C"}, Base: 10, Usage: "with --grep, `N` lines of the service before and after, too", DefaultText: "0"},
		&cli.IntFlag{Name: "run", Base: 10, Usage: "of the run `N`: 1 is the one that runs or was the last, 2 the one before", DefaultText: "1"},
		&cli.StringFlag{Name: "cursor", Usage: "only what comes behind `CURSOR`, from --json"},
		boolean("clear", "", "remove what is kept of this checkout"),
		boolean("raw", "", "print all control sequences that services printed, on a terminal, too"),
		jsonFlag, &cli.StringFlag{Name: "file", Usage: fileFlag.Usage}, // -f is taken
	}, runFlags...),
	anywhere: true,
	completes: func(l line) []candidate {
		return append([]candidate{{Word: "devports", About: "its own lines"}}, services(l)...)
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
	if c.Bool("clear") {
		return l.clear()
	}
	p := newLogPrinter(s, c)
	defer p.close()
	err = l.show(ctx, o, p)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // Ctrl-C is how one leaves it
	}
	return err
}

// logsOptions say which lines are wanted.
type logsOptions struct {
	query  logstore.Query
	run    int // 1 for the latest
	cursor logstore.Cursor
	follow bool
}

func readLogsOptions(c *cli.Context, now time.Time) (o logsOptions, err error) {
	o = logsOptions{follow: c.Bool("follow"), run: c.Int("run"), query: logstore.Query{Services: c.Args().Slice(), Last: c.Int("n")}}
	for option, into := range map[string]*time.Time{"since": &o.query.Since, "until": &o.query.Until} {
		if text := c.String(option); text != "" {
			if *into, err = parseMoment(text, now); err != nil {
				return o, usage("10m, 15:04, 2026-11-21 and \"2026-11-21 15:04:05\" are times", "--%s: %v", option, err)
			}
		}
	}
	if c.IsSet("grep") {
		o.query.Match, err = logstore.NewMatcher(c.String("grep"), c.Bool("ignore-case"))
		var wrong *syntax.Error
		if errors.As(err, &wrong) {
			return o, usage("--grep takes regular expressions as of Go: write \\"+"( for a parenthesis, say", "--grep: %v", wrong)
		}
	}
	if c.IsSet("cursor") {
		if o.cursor, err = logstore.ParseCursor(c.String("cursor")); err != nil {
			return o, usage("devports logs --json prints cursors", "--cursor: %v", err)
		}
		o.query.First, o.query.Last = max(o.query.Last, 0), -1
	}
	o.query.Context = c.Int("context")
	switch {
	case o.query.Match == nil && (c.IsSet("ignore-case") || c.IsSet("context")):
		return o, usage("", "-i and -C need --grep")
	case o.query.Context < 0:
		return o, usage("", "-C takes a number of lines, not %d", o.query.Context)
	case c.IsSet("run") && (o.run < 1 || c.IsSet("cursor")):
		return o, usage("", "--run takes 1 for the run that runs or was the last, 2 for the one before, and so on, and no --cursor")
	case o.follow && o.run > 1:
		return o, usage("", "-f follows the run that runs: --run %d has ended", o.run)
	case o.follow && !o.query.Until.IsZero():
		return o, usage("", "-f and --until cannot be used together")
	case c.Bool("clear") && (c.NumFlags() > 1 && c.IsSet("n") || c.NArg() > 0 || o.follow || c.IsSet("grep") || c.IsSet("run") || c.IsSet("cursor")):
		return o, usage("devports logs --clear", "--clear removes all that is kept of this checkout: it takes no other options")
	}
	o.run = max(o.run, 1)
	return o, nil
}

// parseMoment reads a time as users write it: how long before now, or a time of
// day, the latest one, a date or both.
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
	return time.Time{}, fmt.Errorf("%q is no time", text)
}

// clockTime is a time for people who know what day it is.
func clockTime(t, now time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == now.Local().Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// endOf is how a run has ended, in words; "" while it runs.
func endOf(r logstore.Run) string {
	name := address(scopeOfStored(r))
	switch {
	case r.Live:
		return ""
	case !r.Killed():
		return fmt.Sprintf("%s ended at %s: %s", name, clockTime(r.At, time.Now()), r.Reason)
	case r.Last().IsZero():
		return fmt.Sprintf("%s was killed; it began at %s", name, clockTime(r.Began, time.Now()))
	}
	return fmt.Sprintf("%s was killed; the last line is of %s", name, clockTime(r.Last(), time.Now()))
}

// clear removes all runs.
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
		return fail(exitFailed, "", "not all logs of %s could be removed: %s", l.scope, oneLine(err))
	}
	_, err = fmt.Fprintf(l.session.stdout, "removed the logs of %s of %s: %s\n", wording.Count(len(l.runs), "run"), l.scope, wording.Bytes(size))
	return err
}

// unknownService is the error for a name that a run knows nothing of.
func (l foundLogs) checkServices(ctx context.Context, r logstore.Run, names []string) error {
	known := append(r.Known(), output.Own)
	if r.Live && l.live {
		if info, err := l.instance.Client().Status(ctx); err == nil {
			for _, st := range info.Services {
				known = append(known, st.Service)
			}
			known = append(known, info.Others...)
		}
	}
	return unknownIn(l, names, known)
}
