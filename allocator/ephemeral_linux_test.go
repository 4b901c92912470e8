package allocator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParsePortRange(t *testing.T) {
	if got, err := parsePortRange("32768\t60999\n"); err != nil || got.String() != "32768-60999" {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "60999\t32768\n", "a\tb\n", "1\t2\t3\n"} {
		if got, err := parsePortRange(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func TestParseReservedPorts(t *testing.T) {
	for text, want := range map[string]string{
		"\n":               "",
		"8080,9148-9150\n": "8080,9148-9150",
		"0-1023\n":         "0-1023",
	} {
		if got, err := parseReservedPorts(text); err != nil || got.String() != want {
			t.Errorf("%q is %v, %v; want %q", text, got, err, want)
		}
	}
}

func TestReadPorts(t *testing.T) {
	name := filepath.Join(t.TempDir(), "reserved")
	if got, err := readPorts(name, parseReservedPorts); err != nil || !got.Empty() {
		t.Errorf("without the file: %v, %v", got, err)
	}
	if err := os.WriteFile(name, []byte("8080-80\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readPorts(name, parseReservedPorts); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
		t.Errorf("error %v, want one that names the file", err)
	}
}
