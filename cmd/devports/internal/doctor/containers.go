package doctor

import (
	"slices"
	"strings"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/container"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// leftContainers reports containers of runs that have ended.
func (d Doctor) leftContainers(runs []control.QueryResult) (findings []Finding) {
	if d.Containers == nil {
		return nil
	}
	leases, _ := d.Registry.Leases()
	known := func(c container.Owned) bool { // else it may be of another user, or of another machine
		return slices.ContainsFunc(leases, func(l registry.Lease) bool { return l.Scope.Directory == c.Checkout.Directory })
	}
	left := map[container.Checkout][]string{}
	for _, c := range d.Containers() {
		if known(c) && !slices.ContainsFunc(runs, func(r control.QueryResult) bool { return r.Holder != nil && r.Note.ID == c.Instance }) {
			left[c.Checkout] = append(left[c.Checkout], c.Name)
		}
	}
	for checkout, names := range left {
		findings = append(findings, Finding{
			Check: "runs", Level: Warning,
			What: "a killed run has left containers: " + wording.List(names),
			Why:  "they hold their ports; the next devports up in " + text.OneLine(checkout.Directory) + " removes them",
			Fix:  "docker rm -f " + strings.Join(names, " "),
		})
	}
	slices.SortFunc(findings, func(a, b Finding) int { return strings.Compare(a.What, b.What) })
	return findings
}
