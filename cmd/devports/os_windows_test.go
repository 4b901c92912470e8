package main

import "syscall"

// controllingTerminal changes nothing: no terminal is made on Windows.
func controllingTerminal() *syscall.SysProcAttr { return nil }

const stopSignal = syscall.SIGKILL // there is no other
