package main

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

// Each option of `up` reaches a run in the background unchanged, except those
// about how to start the run.
func TestUpOptions(t *testing.T) {
	args := []string{"devports", "up"}
	var passed int
	for _, f := range upCommand.flags {
		name := f.Names()[0]
		switch f := f.(type) {
		case *cli.BoolFlag:
			args = append(args, "--"+name)
		case *cli.DurationFlag:
			args = append(args, "--"+name, "3s")
		case *cli.StringFlag:
			args = append(args, "--"+name, "x"+f.Value)
		case *cli.StringSliceFlag:
			args = append(args, "--"+name, "x,y", "--"+name, "z")
		case *cli.GenericFlag:
			args = append(args, "--"+name, "web=3,worker=2")
		default:
			t.Errorf("no value is known for --%s", name)
		}
		if !slices.Contains([]string{"detach", "last", "timeout", "keep-waiting"}, name) {
			passed++
		}
	}
	var got upOptions
	reading := upCommand
	reading.run = func(_ session, c *cli.Context) error {
		got = readUpOptions(c)
		return nil
	}
	s := session{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	a := app(s)
	a.Commands = []*cli.Command{reading.cli(s)}
	if err := a.Run(append(args, "web", "worker")); err != nil {
		t.Fatal(err)
	}
	got.Proposed = []byte("services = {}") // an answer, not an option
	got.Below = "x"                        // the working directory
	got.Dir = "x"                          // likewise
	got.Named = true
	fields := reflect.ValueOf(got)
	if fields.NumField() != passed+5 { // plus the services, Below, Dir and Named
		t.Errorf("upOptions has %d fields, and up %d options that are passed on", fields.NumField(), passed)
	}
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		if field := fields.Field(i); field.IsZero() || field.Kind() == reflect.String && !strings.HasPrefix(field.String(), "x") {
			t.Errorf("%s is not read: %v", name, field)
		}
	}
	text, err := handover{Options: got}.encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := decodeHandover(bytes.NewReader(text))
	if diff := cmp.Diff(got, again.Options); err != nil || diff != "" {
		t.Errorf("%s is read as %s, %v", text, diff, err)
	}
}

func TestDecodeUpOptions(t *testing.T) {
	for text, want := range map[string]string{
		``:                                "EOF",
		`{"version":1,"options":{`:        "unexpected EOF",
		`{"version":2,"options":{}}`:      "unsupported version 2",
		`{"options":{}}`:                  "unsupported version 0",
		`{"version":1,"options":{"d":1}}`: `unknown field "d"`,
		`{"version":1,"options":{"detach":true}}`: `unknown field "detach"`,
		`{"version":1,"options":{"log":true}}`:    "cannot unmarshal bool",
		`devports up`:                             "invalid character",
	} {
		if _, err := decodeHandover(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}
