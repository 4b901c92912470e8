package process

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseProcargs(t *testing.T) {
	tests := map[string]struct {
		argc          int32
		strings       string
		argv, environ []string
		fails         bool
	}{
		"padded path":        {2, "/bin/sleep\x00\x00\x00\x00\x00\x00sleep\x0060\x00A=1\x00B=\x00\x00ptr_munge=\x00", []string{"sleep", "60"}, []string{"A=1", "B="}, false},
		"empty argument":     {3, "/bin/echo\x00\x00echo\x00\x00x\x00A=1\x00\x00", []string{"echo", "", "x"}, []string{"A=1"}, false},
		"no environment":     {1, "/bin/cat\x00cat\x00", []string{"cat"}, nil, false},
		"no end of the last": {1, "/bin/cat\x00cat\x00A=1\x00B=2", []string{"cat"}, []string{"A=1"}, false},
		"no arguments":       {0, "/bin/cat\x00\x00A=1\x00", nil, []string{"A=1"}, false},
		"arguments missing":  {3, "/bin/cat\x00cat\x00", nil, nil, true},
		"no path":            {1, "/bin/cat", nil, nil, true},
		"nonsense":           {-1, "/bin/cat\x00cat\x00", nil, nil, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			raw := binary.NativeEndian.AppendUint32(nil, uint32(tt.argc))
			args, err := parseProcargs(append(raw, tt.strings...))
			if path, _, _ := strings.Cut(tt.strings, "\x00"); args.program != path && !tt.fails {
				t.Errorf("program %q", args.program)
			}
			if diff := cmp.Diff(tt.argv, args.argv); diff != "" {
				t.Error("arguments:", diff)
			}
			if diff := cmp.Diff(tt.environ, args.environ); diff != "" {
				t.Error("environment:", diff)
			}
			if (err != nil) != tt.fails {
				t.Error(err)
			}
		})
	}
	for n := range 4 {
		if _, err := parseProcargs(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are understood", n)
		}
	}
}

func FuzzParseProcargs(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00/bin/cat\x00cat\x00A=1\x00\x00"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = parseProcargs(raw) })
}
