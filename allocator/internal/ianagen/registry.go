package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const ports = 1 << 16

// registry is the TCP view of IANA's registry.
type registry struct {
	updated  string // as in the registry, 2006-01-02
	assigned [ports]bool
}

// record is the part of a registry's record that ianagen uses. Number is empty
// (a service name without a port), "80" or "225-241".
type record struct {
	Protocol    string `xml:"protocol"`
	Description string `xml:"description"`
	Number      string `xml:"number"`
}

// read streams the registry's XML.
//
// It uses records whose protocol is TCP, or absent, which means all protocols.
// A port is assigned unless all its records have exactly the description
// "Unassigned": for some ports, one record is unassigned for all protocols and
// another assigns the port to a TCP service, and ports with notes such as
// "Possibly assigned" are better avoided.
func read(r io.Reader) (registry, error) {
	var reg registry
	decoder := xml.NewDecoder(r)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return registry{}, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "updated":
			if reg.updated != "" {
				continue // the date of an entry; the registry's comes first
			}
			if err := decoder.DecodeElement(&reg.updated, &start); err != nil {
				return registry{}, err
			}
		case "record":
			var rec record
			if err := decoder.DecodeElement(&rec, &start); err != nil {
				return registry{}, err
			}
			if err := reg.add(rec); err != nil {
				line, _ := decoder.InputPos()
				return registry{}, fmt.Errorf("record that ends on line %d: %w", line, err)
			}
		}
	}
	if reg.updated == "" {
		return registry{}, errors.New("no <updated> date: not IANA's registry?")
	}
	return reg, nil
}

func (reg *registry) add(rec record) error {
	if rec.Number == "" || rec.Protocol != "" && rec.Protocol != "tcp" || rec.Description == "Unassigned" {
		return nil
	}
	first, last, isRange := strings.Cut(rec.Number, "-")
	if !isRange {
		last = first
	}
	lo, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return fmt.Errorf("number %q: %w", rec.Number, err)
	}
	hi, err := strconv.ParseUint(last, 10, 16)
	if err != nil {
		return fmt.Errorf("number %q: %w", rec.Number, err)
	}
	if lo > hi {
		return fmt.Errorf("number %q: first after last", rec.Number)
	}
	for port := lo; port <= hi; port++ {
		reg.assigned[port] = true
	}
	return nil
}
