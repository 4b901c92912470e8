package main

import (
	"encoding/json"

	"github.com/devports/devports/cmd/devports/internal/doctor"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/procfile"
)

// formatVersion is the version of the output of --json, the number 1. Later
// versions of devports may add keys; any other change increases it. Its zero
// value is ready to use.
type formatVersion struct{}

var formatVersionText = []byte("1")

// MarshalJSON returns the number.
func (formatVersion) MarshalJSON() ([]byte, error) { return formatVersionText, nil }

// The values that --json prints, in addition to checked, logLine and versions.
// Each is an object, so that keys can be added.
type (
	addressesOutput struct {
		Version   formatVersion     `json:"version"`
		Addresses map[string]string `json:"addresses"` // by service
	}
	assignmentsOutput struct {
		Version     formatVersion `json:"version"`
		Assignments []assignment  `json:"assignments"`
	}
	findingsOutput struct {
		Version  formatVersion    `json:"version"`
		Findings []doctor.Finding `json:"findings"`
	}
	importsOutput struct {
		Version formatVersion `json:"version"`
		Imports []importRow   `json:"imports"`
	}
	leasesOutput struct {
		Version formatVersion `json:"version"`
		Leases  []leaseRow    `json:"leases"`
	}
	namedPortsOutput struct {
		Version formatVersion  `json:"version"`
		Ports   map[string]int `json:"ports"` // by name
	}
	numbersOutput struct {
		Version formatVersion `json:"version"`
		Ports   []int         `json:"ports"`
	}
	pointsOutput struct {
		Version formatVersion `json:"version"`
		Points  []pointRow    `json:"points"`
	}
	portsOutput struct {
		Version formatVersion `json:"version"`
		Ports   []whoRow      `json:"ports"`
	}
	runsOutput struct {
		Version formatVersion `json:"version"`
		Runs    []runInfo     `json:"runs"`
	}
	servicesOutput struct {
		Version  formatVersion     `json:"version"`
		Services []launcher.Status `json:"services"`
	}
	settingsOutput struct {
		Version  formatVersion      `json:"version"`
		Settings []procfile.Setting `json:"settings"`
	}
	variablesOutput struct {
		Version   formatVersion      `json:"version"`
		Variables map[string]*string `json:"variables"` // nil: to unset
	}
)

// json prints a value as JSON.
func (s session) json(v any) error {
	e := json.NewEncoder(s.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
