package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRegistry(t *testing.T) {
	reg, err := readFile("testdata/registry.xml")
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for port, assigned := range reg.assigned {
		if assigned {
			got = append(got, port)
		}
	}
	want := []int{0, 80}
	for port := 225; port <= 241; port++ {
		want = append(want, port)
	}
	want = append(want, 2825, 7775, 65535)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("assigned ports (-want +got):\n%s", diff)
	}
	wantTable := []byte{
		0, 1, // 0
		79, 1, // 80
		0x90, 0x01, 17, // 225-241 after a gap of 144
		0x97, 0x14, 1, // 2825 after 2583
		0xd5, 0x26, 1, // 7775 after 4949
		0x9f, 0xc3, 0x03, 1, // 65535 after 57759
	}
	if diff := cmp.Diff(wantTable, reg.table()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestRunIsReproducible(t *testing.T) {
	dir := t.TempDir()
	plain, err := os.ReadFile("testdata/registry.xml")
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write(plain)
	w.Close()
	gz := filepath.Join(dir, "registry.xml.gz")
	if err := os.WriteFile(gz, zipped.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}

	want, err := os.ReadFile("testdata/assigned_table.go.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, xml := range []string{"testdata/registry.xml", gz} {
		out := filepath.Join(dir, "out.go")
		if err := run([]string{"-xml", xml, "-o", out}); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filepath.Base(xml), diff)
		}
	}
}

func TestErrors(t *testing.T) {
	bad := func(body string) string {
		path := filepath.Join(t.TempDir(), "bad.xml")
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no source", []string{"-xml", "", "-o", "x.go"}, "https://www.iana.org/assignments/"},
		{"no target", []string{"-xml", "testdata/registry.xml"}, "-o is empty"},
		{"no file", []string{"-xml", "testdata/nosuch.xml", "-o", "x.go"}, "nosuch.xml"},
		{"no registry", []string{"-xml", bad("<html/>"), "-o", "x.go"}, "no <updated> date"},
		{"cut short", []string{"-xml", bad("<registry><updated>2026-01-02</updated>"), "-o", "x.go"}, "unexpected EOF"},
		{"backwards", []string{"-xml", bad("<registry>\n<record><number>9-8</number></record></registry>"), "-o", "x.go"}, `line 2: number "9-8": first after last`},
		{"too high", []string{"-xml", bad("<registry><record><number>65536</number></record></registry>"), "-o", "x.go"}, "out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := run(tt.args)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that contains %q", err, tt.want)
			}
		})
	}
}
