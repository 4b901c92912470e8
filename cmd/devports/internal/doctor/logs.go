package doctor

import (
	"fmt"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/registry/checkout"
)

// examineLogs finds how much the logs of all runs take.
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
		take = "no logs are kept"
	}
	if d.Logs.Limit() == logstore.Off {
		return all(nil, "logs", "what services print is not kept: DEVPORTS_LOGS is off; %s", take)
	}
	if gone > 0 {
		return []Finding{{
			Check: "logs", Level: Warning,
			What: fmt.Sprintf("%s, %s of them of folders that are gone", take, wording.Bytes(gone)),
			Why:  fmt.Sprintf("the oldest are removed when all take more than %s", wording.Bytes(d.Logs.Limit())),
			Fix:  "devports prune",
		}}
	}
	return all(nil, "logs", "%s; they may take %s", take, wording.Bytes(d.Logs.Limit()))
}
