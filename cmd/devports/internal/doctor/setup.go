package doctor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// examineSetup looks for steps of the setup that are not up to date.
func (d Doctor) examineSetup(p project.Project, scope registry.Scope, plan procfile.Plan) (findings []Finding) {
	if len(p.File.Steps()) == 0 {
		return nil
	}
	stale := d.StaleSteps(p, scope, plan)
	for _, name := range slices.Sorted(maps.Keys(stale)) {
		findings = append(findings, Finding{
			Check: "setup", Level: Warning, What: fmt.Sprintf("%s is not up to date: %s", name, stale[name]),
			Why: "it runs at the next devports up", Fix: "devports setup " + name,
		})
	}
	return all(findings, "setup", "all steps are up to date")
}
