package project

import "path/filepath"

// CopiesFrom is the directory of the main checkout that files are copied from;
// "" in the main checkout, and if there is none.
func (p Project) CopiesFrom() string {
	if len(p.File.Copy) == 0 {
		return ""
	}
	dir := p.Checkout.MainDirectory()
	if real, err := filepath.EvalSymlinks(dir); dir == "" || err != nil || real == p.Checkout.Directory {
		return ""
	}
	return dir
}
