package envvar_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/devports/devports/allocator/envvar"
)

func environ(vars map[string]string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		list = append(list, name+"="+vars[name])
	}
	return list
}

func sorted(vars map[string]string) (list []envvar.Var) {
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		list = append(list, envvar.Var{Name: name, Value: vars[name]})
	}
	return list
}

// after returns the environment of a process for which devports sets variables.
func after(own, set map[string]string) map[string]string {
	all := maps.Clone(own)
	maps.Copy(all, set)
	all[envvar.Env] = envvar.Mark(sorted(set), own)
	return all
}

func TestOwn(t *testing.T) {
	user := map[string]string{"HOME": "/h", "PATH": "/bin", "SAME": "s", "EMPTY": ""}
	set := map[string]string{"PATH": "x:/bin", "SAME": "s", "EMPTY": "full", "PORT_DB": "1", "NASTY": "a=b,c:d\n'", "BLANK": ""}
	for _, tt := range []struct {
		name     string
		edit     func(env map[string]string) // a change after devports has set its variables
		own      map[string]string           // the difference to user
		exported string
	}{
		{"untouched", func(map[string]string) {}, nil, "BLANK EMPTY NASTY PATH PORT_DB"},
		{
			"overridden", func(env map[string]string) { env["NASTY"], env["PATH"] = "mine", "y" },
			map[string]string{"NASTY": "mine", "PATH": "y"},
			"BLANK EMPTY PORT_DB",
		},
		{"unset", func(env map[string]string) { delete(env, "PATH") }, map[string]string{"PATH": "-"}, "BLANK EMPTY NASTY PORT_DB"},
		{
			"without a list", func(env map[string]string) { delete(env, envvar.Env) },
			map[string]string{"PATH": "x:/bin", "EMPTY": "full", "PORT_DB": "1", "NASTY": set["NASTY"], "BLANK": ""},
			"",
		},
		{"the user's own of the same value", func(env map[string]string) { env["SAME"] = "s" }, nil, "BLANK EMPTY NASTY PATH PORT_DB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := after(user, set)
			tt.edit(env)
			want := maps.Clone(user)
			for name, value := range tt.own {
				want[name] = value
				if value == "-" {
					delete(want, name)
				}
			}
			own, exported := envvar.Own(environ(env))
			slices.Sort(own)
			if !slices.Equal(own, environ(want)) || strings.Join(exported, " ") != tt.exported {
				t.Errorf("own %q, want %q\nexported %q, want %q", own, environ(want), exported, tt.exported)
			}
		})
	}
}

func TestOwnOfAnything(t *testing.T) {
	for _, list := range []string{
		"", ",", ":", "A", "A:", "A:0123", "A:0123456789ab:!", "A:0123456789ab:YQ:x", "A B:0123456789ab", strings.Repeat("A:", 1000),
	} {
		own, exported := envvar.Own([]string{"A=1", envvar.Env + "=" + list, "B=2"})
		if !slices.Equal(own, []string{"A=1", "B=2"}) || len(exported) > 0 {
			t.Errorf("%q: own %q, exported %q", list, own, exported)
		}
	}
}

func TestMarkIsBounded(t *testing.T) {
	set := map[string]string{}
	for _, c := range "ABCDEFGHIJ" {
		set[strings.Repeat(string(c), 2000)] = "1"
	}
	if list := envvar.Mark(sorted(set), nil); len(list) > 12<<10 || !strings.HasPrefix(list, "AAA") {
		t.Errorf("%d bytes", len(list))
	}
}

func TestLabelInherited(t *testing.T) {
	set := map[string]string{envvar.Project: "shop", envvar.Worktree: "", "X": "1"}
	for _, tt := range []struct {
		name string
		env  map[string]string
		want bool
	}{
		{"the user's", map[string]string{envvar.Worktree: "x"}, false},
		{"without a list", map[string]string{envvar.Worktree: "x", envvar.Project: "shop"}, true},
		{"listed", after(map[string]string{}, set), true},
		{"the user's afterwards", map[string]string{envvar.Worktree: "x", envvar.Project: "shop", envvar.Env: envvar.Mark(sorted(set), nil)}, false},
		{"the user's all along", after(map[string]string{envvar.Worktree: ""}, set), true},
	} {
		if got := envvar.LabelInherited(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
