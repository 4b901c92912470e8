package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var rows table
	rows.add("NAME", "PORT", "STATE")
	rows.add("名前", "1", "a\nb", "more")
	rows.add("e\u0301e\u0301", "\x1b[2J", "c")
	var out strings.Builder
	if err := rows.write(&out); err != nil {
		t.Fatal(err)
	}
	const want = "NAME  PORT  STATE\n名前  1     a b  more\ne\u0301e\u0301     [2J  c\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}
