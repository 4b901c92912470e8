package registry

import "github.com/devports/devports/registry/checkout"

// MainDirectory returns the directory of the main checkout of c's project, as far
// as the registry knows it; "" if it does not, or that directory is gone. Errors
// are those of Leases.
func (r Registry) MainDirectory(c checkout.Checkout) (string, error) {
	now, err := load(r.path, snapshot{})
	if err != nil {
		return "", err
	}
	_, own := now.state.match(c, realDisk)
	at := now.state.index(func(other record) bool {
		return other.Project == own.Project && other.Worktree == "" && !other.UserWide() && !realDisk.gone(other)
	})
	if at < 0 {
		return "", nil
	}
	return now.state.records[at].Directory, nil
}
