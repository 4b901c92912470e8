package registry

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"
)

func TestPath(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir() // an absolute path on any system
	home := filepath.Join(root, ".local", "state", "devports")
	if runtime.GOOS == "windows" {
		home = filepath.Join(root, "devports")
	}
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{}, filepath.Join(home, "registry.json")},
		{map[string]string{"XDG_STATE_HOME": filepath.Join(root, "s")}, filepath.Join(root, "s", "devports", "registry.json")},
		{map[string]string{"XDG_STATE_HOME": "relative"}, filepath.Join(home, "registry.json")},
		{map[string]string{"DEVPORTS_HOME": filepath.Join(root, "d"), "XDG_STATE_HOME": root}, filepath.Join(root, "d", "registry.json")},
		{map[string]string{"DEVPORTS_REGISTRY": filepath.Join(root, "r.json"), "DEVPORTS_HOME": root}, filepath.Join(root, "r.json")},
		{map[string]string{"DEVPORTS_REGISTRY": "r.json"}, filepath.Join(here, "r.json")},
	} {
		tt.env["HOME"], tt.env["LocalAppData"] = root, root
		if got, err := Path(func(k string) string { return tt.env[k] }); got != tt.want || err != nil {
			t.Errorf("%v: %s %v, want %s", tt.env, got, err, tt.want)
		}
	}
	if _, err := Path(func(string) string { return "" }); !errors.Is(err, ErrNoHome) {
		t.Errorf("without variables: %v", err)
	}
	for _, variable := range []string{"DEVPORTS_HOME", "HOME", "LocalAppData"} {
		_, err := Path(func(k string) string {
			if k == variable {
				return "relative"
			}
			return ""
		})
		var relative *RelativeHomeError
		if used := variable == "DEVPORTS_HOME" || (variable == "LocalAppData") == (runtime.GOOS == "windows"); errors.As(err, &relative) != used || used && relative.Variable != variable {
			t.Errorf("with a relative %s: %v", variable, err)
		}
	}
}
