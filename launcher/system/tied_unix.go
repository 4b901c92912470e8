//go:build unix

package system

import "os/exec"

// StartTied starts a command. On Windows the command ends if this process is
// killed, unless release was called.
func StartTied(cmd *exec.Cmd) (release func(), err error) { return func() {}, cmd.Start() }
