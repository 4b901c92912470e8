package main

import (
	"fmt"

	"github.com/devports/devports/procfile"
)

// printSettings prints where the values of a project come from: of all services, or
// of one.
func (s session) printSettings(file procfile.File, service string, asJSON bool) error {
	settings := file.Explain(service)
	if asJSON {
		return s.json(settingsOutput{Settings: append([]procfile.Setting{}, settings...)})
	}
	var t table
	for i, setting := range settings {
		if i == 0 || setting.Service != settings[i-1].Service {
			name := setting.Service
			if name == "" {
				name = "project"
			}
			t.add(name)
		}
		t.add("  "+setting.Key, origin(setting), setting.Value)
	}
	return t.write(s.stdout)
}

// origin formats where a setting comes from.
func origin(s procfile.Setting) string {
	switch s.Origin {
	case procfile.FromDefault:
		return "default"
	case procfile.FromMain:
		return fmt.Sprintf("%s:%d (main checkout)", s.File, s.Line)
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}
