//go:build !unix

package registry

var unixRoles map[string]func(path string, args []string) error
