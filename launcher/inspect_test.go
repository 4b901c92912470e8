//go:build unix

package launcher

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestInspect(t *testing.T) {
	const portfile = `[services]
a = { command = 'sleep 1000 & echo ready; while :; do :; done', port = false, env = { GREETING = "hello" } }
b = { command = ["sh", "-c", "exit 3"], port = false }
`
	w, st := controlled(t, portfile)
	w.printed("a        | ready")
	w.happened("ended", "b")
	a, err := st.Inspect(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	here, _ := os.Getwd()
	if a.PID == 0 || !slices.Contains(a.PIDs, a.PID) || len(a.PIDs) != 2 || !strings.HasPrefix(a.Command, "sleep 1000 &") || a.Directory == "" || a.ExitStatus != nil || a.At.IsZero() {
		t.Errorf("a in %s: %+v", here, a)
	}
	if !slices.Contains(a.Environment, "GREETING=hello") || !slices.IsSorted(a.Environment) {
		t.Errorf("its environment is %q", a.Environment)
	}
	b, err := st.Inspect(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	if b.PID != 0 || b.PIDs != nil || b.Command != "sh -c 'exit 3'" || b.ExitStatus == nil || *b.ExitStatus != 3 || b.Exit != "exited with status 3" {
		t.Errorf("b: %+v", b)
	}
	var unknown *UnknownServiceError
	if _, err := st.Inspect(t.Context(), "x"); !errors.As(err, &unknown) {
		t.Errorf("an unknown service: %v", err)
	}
	w.signals <- syscall.SIGTERM
	w.status()
	if _, err := st.Inspect(t.Context(), "a"); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}
