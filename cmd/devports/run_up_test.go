package main

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// The signal can be asked for twice.
func TestFirstSignal(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGINT
	ctx, stop := firstSignal(signals)
	<-ctx.Done()
	got := make(chan os.Signal, 2)
	go func() {
		got <- stop()
		got <- stop()
	}()
	for range 2 {
		select {
		case sig := <-got:
			if sig != syscall.SIGINT {
				t.Error(sig)
			}
		case <-time.After(time.Minute):
			t.Fatal("stop does not return")
		}
	}
}
