package main

import "syscall"

// controllingTerminal does nothing: there are no terminals of our own on
// Windows.
func controllingTerminal() *syscall.SysProcAttr { return nil }

const stopSignal = syscall.SIGKILL // the only signal
