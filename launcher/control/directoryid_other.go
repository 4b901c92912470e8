//go:build !linux && !darwin

package control

// directoryID is always "": a directory is identified by its path.
func directoryID(string) string { return "" }
