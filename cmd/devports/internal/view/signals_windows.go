package view

import "os"

// suspendSignals and continueSignals are empty: Windows has no job control.
func suspendSignals() []os.Signal { return nil }

func continueSignals() []os.Signal { return nil }

func isBrokenPipe(error) bool { return false }

func stopSelf() {}
