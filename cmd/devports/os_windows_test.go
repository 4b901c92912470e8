package main

import "syscall"

// controllingTerminal changes nothing: no terminal is made on Windows.
func controllingTerminal() *syscall.SysProcAttr { return nil }
