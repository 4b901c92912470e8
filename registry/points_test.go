package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPoints(t *testing.T) {
	r := Open(filepath.Join(t.TempDir(), "devports", "registry.json"))
	if points, err := r.Points(); len(points) != 0 || err != nil {
		t.Fatal(points, err)
	}
	shop := Scope{Directory: "/home/ann/shop", Project: "shop"}
	fix := Scope{Directory: "/home/ann/shop \"fix\"", Project: "shop", Worktree: "fix"}
	want := []Point{{3000, fix, "web:metrics"}, {5432, shop, "db"}}
	err := r.EditPoints(context.Background(), func([]Point) ([]Point, error) { return []Point{want[1], want[0]}, nil })
	if err != nil {
		t.Fatal(err)
	}
	if points, err := r.Points(); !slices.Equal(points, want) || err != nil {
		t.Errorf("%v %v", points, err)
	}
	if _, err := os.Stat(r.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the registry has changed: %v", err)
	}
	stop := errors.New("stop")
	for name, edit := range map[string]func([]Point) ([]Point, error){
		"an error":     func([]Point) ([]Point, error) { return nil, stop },
		"two points":   func(p []Point) ([]Point, error) { return append(p, p[0]), nil },
		"no port":      func(p []Point) ([]Point, error) { return append(p, Point{0, shop, "web"}), nil },
		"no directory": func(p []Point) ([]Point, error) { return append(p, Point{80, Scope{}, "web"}), nil },
		"no service":   func(p []Point) ([]Point, error) { return append(p, Point{80, shop, ""}), nil },
	} {
		if err := r.EditPoints(context.Background(), edit); err == nil {
			t.Errorf("%s: no error", name)
		}
		if points, err := r.Points(); !slices.Equal(points, want) || err != nil {
			t.Errorf("%s: %v %v", name, points, err)
		}
	}
}

func TestPointsDamaged(t *testing.T) {
	r := Open(filepath.Join(t.TempDir(), "registry.json"))
	for _, text := range []string{
		"", "{}", `{"version": 1, "points": [{"port": 3000}]}`, `{"version": 1, "new": 1}`, `{"version": 0, "points": []}`,
		`{"version": 1, "points": [{"port": 70000, "service": "web", "directory": "/a", "project": "a"}]}`,
	} {
		if err := os.WriteFile(r.PointsPath(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Points(); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("%s: %v", text, err)
		}
		if err := r.EditPoints(context.Background(), func(p []Point) ([]Point, error) { return p, nil }); err == nil {
			t.Errorf("%s was replaced", text)
		}
	}
	if err := os.WriteFile(r.PointsPath(), []byte(`{"version": 2, "routes": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var newer *NewerError
	if _, err := r.Points(); !errors.As(err, &newer) || newer.Path != r.PointsPath() {
		t.Error(err)
	}
}
