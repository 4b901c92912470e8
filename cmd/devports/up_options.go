package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/launcher/terminal"
)

// upOptions are the options of a run: all options of `up` except those about
// how to start it. They are parsed once, and passed on to a run in the
// background, so that no command line is built from another.
type upOptions struct {
	Services   []string `json:"services,omitempty"` // none stands for all with autostart
	Without    []string `json:"without,omitempty"`  // services and groups that are not started
	File       string   `json:"file,omitempty"`
	Below      string   `json:"below,omitempty"` // the directory of the command, if it selects an included file
	Named      bool     `json:"named,omitempty"` // all names are those of the project
	Registry   string   `json:"registry,omitempty"`
	Replicas   replicas `json:"replicas,omitempty"`
	Log        string   `json:"log,omitempty"`
	NoWatch    bool     `json:"no_watch,omitempty"`
	StopOnExit bool     `json:"stop_on_exit,omitempty"`
	Color      string   `json:"color,omitempty"`
	Timestamps bool     `json:"timestamps,omitempty"`
	Plain      bool     `json:"plain,omitempty"`
	Raw        bool     `json:"raw,omitempty"`
	NoPrefix   bool     `json:"no_prefix,omitempty"`
	Reassign   bool     `json:"reassign,omitempty"`
	NoPins     bool     `json:"no_pins,omitempty"`
	NoFront    bool     `json:"no_front,omitempty"`
	NoSetup    bool     `json:"no_setup,omitempty"`
	Proposed   []byte   `json:"proposed,omitempty"` // a Portfile to use instead of a file; nil for none
	Dir        string   `json:"dir,omitempty"`      // that of Proposed; "" for the working directory
}

func readUpOptions(c *cli.Context) upOptions {
	scale, _ := c.Generic("replicas").(replicas)
	return upOptions{
		Services:   c.Args().Slice(),
		Without:    listed(c.StringSlice("without")),
		File:       c.String("file"),
		Registry:   c.String("registry"),
		Replicas:   scale,
		Log:        c.String("log"),
		NoWatch:    c.Bool("no-watch"),
		StopOnExit: c.Bool("stop-on-exit"),
		Color:      c.String("color"),
		Timestamps: c.Bool("timestamps"),
		Plain:      c.Bool("plain"),
		Raw:        c.Bool("raw"),
		NoPrefix:   c.Bool("no-prefix"),
		Reassign:   c.Bool("reassign"),
		NoPins:     c.Bool("no-pins"),
		NoFront:    c.Bool("no-front"),
		NoSetup:    c.Bool("no-setup"),
	}
}

// handover is the standard input of a run in the background.
type handover struct {
	Version int       `json:"version"`
	Options upOptions `json:"options"`

	// Temporary: the run ends with the commands that it was started for.
	Temporary bool `json:"temporary,omitempty"`

	// Shared is set for the run of the services that all checkouts share.
	Shared *sharedStart `json:"shared,omitempty"`

	// Terminal is the size of the terminal that the run was started on: its
	// services get terminals of their own, so that a user who attaches can type
	// into them. nil: it was started without one.
	Terminal *terminal.Size `json:"terminal,omitempty"`
}

// handoverVersion detects that the program was replaced between the two.
const handoverVersion = 1

func (h handover) encode() ([]byte, error) {
	h.Version = handoverVersion
	return json.Marshal(h)
}

// decodeHandover reads an encoded handover. An unknown field is an error: it
// would be an option that is silently dropped.
func decodeHandover(r io.Reader) (handover, error) {
	h := handover{}
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&h); err != nil {
		return h, err
	}
	if h.Version != handoverVersion {
		return h, fmt.Errorf("unsupported version %d, expected %d", h.Version, handoverVersion)
	}
	return h, nil
}
