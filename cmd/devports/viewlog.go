package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
)

// viewLog returns a function that writes the recorded output of a service of the
// latest run of a slot, as text for a terminal; nil if runs are not recorded.
// sync, if not nil, makes the recorder store what it has first. Another run records
// the services that are shared according to statuses.
func viewLog(store logstore.Store, slot string, sync func(context.Context) error, statuses func(context.Context) ([]launcher.Status, error)) func(context.Context, string, io.Writer) error {
	if store.Limit() == logstore.Off {
		return nil
	}
	return func(ctx context.Context, service string, to io.Writer) error {
		if all, _ := statuses(ctx); slices.ContainsFunc(all, func(st launcher.Status) bool { return st.Service == service && st.Shared }) {
			_, err := fmt.Fprintf(to, "%s is shared by all checkouts. For its output: devports logs %[1]s\n", service)
			return err
		}
		if sync != nil {
			if err := sync(ctx); err != nil {
				return err
			}
		}
		runs := store.Runs(slot)
		if len(runs) == 0 {
			return errors.New("no run is recorded")
		}
		lines := 0
		err := runs[0].Read(ctx, logstore.Query{Services: []string{service}, Last: -1}, func(l logstore.Line) error {
			lines++
			return writeLine(to, l)
		})
		if err == nil && lines == 0 {
			_, err = fmt.Fprintf(to, "%s has printed nothing.\n", service)
		}
		return err
	}
}

// viewLast returns a function that returns the last n recorded lines of a service,
// like viewLog.
func viewLast(store logstore.Store, slot string, sync func(context.Context) error) func(ctx context.Context, service string, n int) ([]output.Line, error) {
	if store.Limit() == logstore.Off {
		return nil
	}
	return func(ctx context.Context, service string, n int) (lines []output.Line, err error) {
		now := time.Now()
		if err := sync(ctx); err != nil {
			return nil, err
		}
		runs := store.Runs(slot)
		if len(runs) == 0 {
			return nil, nil
		}
		err = runs[0].Read(ctx, logstore.Query{Services: []string{service}, Last: n, Until: now}, func(l logstore.Line) error {
			if l.Missed == 0 {
				lines = append(lines, output.Line{Service: l.Service, Time: l.Time, Text: l.Text})
			}
			return nil
		})
		return lines, err
	}
}

// writeLine writes a line with its time.
func writeLine(to io.Writer, l logstore.Line) (err error) {
	at := l.Time.Local().Format("15:04:05.000")
	if l.Missed > 0 {
		_, err = fmt.Fprintf(to, "%s (%d lines are missing: %s)\n", at, l.Missed, l.Text)
		return err
	}
	_, err = fmt.Fprintf(to, "%s %s\n", at, output.Printable(l.Text))
	return err
}
