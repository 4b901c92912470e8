package doctor

import (
	"fmt"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/registry/checkout"
)

// examineLogs reports the size of the logs of all runs.
func (d Doctor) examineLogs() []Finding {
	if d.Logs == nil {
		return nil
	}
	runs := d.Logs.All()
	var size, gone int64
	for _, r := range runs {
		n := r.Size()
		if size += n; !r.Live && r.Directory != "" && checkout.IsGone(r.Directory) {
			gone += n
		}
	}
	take := fmt.Sprintf("the logs of %s take %s", wording.Count(len(runs), "run"), wording.Bytes(size))
	if len(runs) == 0 {
		take = "there are no logs"
	}
	if d.Logs.Limit() == logstore.Off {
		return all(nil, "logs", "DEVPORTS_LOGS is off: output is not stored; %s", take)
	}
	if err := d.Logs.Check(); err != nil {
		return []Finding{{
			Check: "logs", Level: Warning, What: fmt.Sprintf("cannot store the output of services: %v", err),
			Why: take + "; services still run", Fix: "make " + d.Logs.Path() + " writable and free some space there, or set DEVPORTS_LOGS=off",
		}}
	}
	if gone > 0 {
		return []Finding{{
			Check: "logs", Level: Warning,
			What: fmt.Sprintf("%s, of which %s belong to directories that are gone", take, wording.Bytes(gone)),
			Why:  fmt.Sprintf("beyond %s in all, the oldest logs are removed", wording.Bytes(d.Logs.Limit())),
			Fix:  "devports prune",
		}}
	}
	return all(nil, "logs", "%s; the limit is %s", take, wording.Bytes(d.Logs.Limit()))
}
