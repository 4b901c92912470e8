package scaffold

import "testing"

func TestPlainJSON(t *testing.T) {
	for src, want := range map[string]string{
		`{"a": 1}`:             `{"a": 1}`,
		`{"//": "/*\",}", }`:   `{"//": "/*\",}"  }`,
		"[1, // x\n 2,\n]// ,": "[1,       2 \n]    ",
		"[1,/* , */] //":       "[1        ]   ",
		`{"a": [,], "b`:        `{"a": [ ], "b`,
		"/* x":                 "/* x",
		`/`:                    `/`,
	} {
		if got := string(plainJSON([]byte(src))); got != want {
			t.Errorf("%q becomes %q, want %q", src, got, want)
		}
	}
}
