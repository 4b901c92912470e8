package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/devports/devports/allocator/atomicfile"
)

// Point is a port that points to a service of one checkout, whichever port that
// service has.
type Point struct {
	Port    int
	Scope   Scope  // of the checkout
	Service string // or one of its named ports: "web:metrics"
}

// pointsVersion is the format of the file of points.
const pointsVersion = 1

// pointsFile is that file.
type pointsFile struct {
	Version int         `json:"version"`
	Points  []pointLine `json:"points"`
}

type pointLine struct {
	Port      int    `json:"port"`
	Service   string `json:"service"`
	Directory string `json:"directory"`
	Project   string `json:"project"`
	Worktree  string `json:"worktree,omitempty"`
}

// PointsPath returns the path of the file of points, beside the registry.
func (r Registry) PointsPath() string {
	path, err := target(r.path)
	if err != nil {
		path = r.path
	}
	return path + ".points"
}

// Points returns the points, by port. It takes no lock. The error is a
// *NewerError, a *fs.PathError, or describes the damage.
func (r Registry) Points() ([]Point, error) { return loadPoints(r.PointsPath()) }

// EditPoints replaces the points by the result of edit, which is called with the
// lock held. If edit fails, nothing changes and EditPoints returns its error.
// Other errors are those of Points, and a *lockfile.HeldError after 10 s.
func (r Registry) EditPoints(ctx context.Context, edit func([]Point) ([]Point, error)) error {
	return r.locked(ctx, func(path string) error {
		path += ".points"
		points, err := loadPoints(path)
		if err != nil {
			return err
		}
		if points, err = edit(points); err != nil {
			return err
		}
		content, err := encodePoints(points)
		if err != nil {
			return err
		}
		return atomicfile.Write(path, content, atomicfile.Options{})
	})
}

func loadPoints(path string) ([]Point, error) {
	content, err := atomicfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	points, err := decodePoints(content)
	var newer *NewerError
	if errors.As(err, &newer) {
		newer.Path = path
	} else if err != nil {
		err = fmt.Errorf("%s is damaged, remove it to end all points: %w", path, err)
	}
	return points, err
}

func decodePoints(content []byte) ([]Point, error) {
	content = bytes.TrimPrefix(content, byteOrderMark)
	var file pointsFile
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	err := d.Decode(&file)
	var later struct{ Version int }
	if json.Unmarshal(content, &later) == nil && later.Version > pointsVersion {
		return nil, &NewerError{Version: later.Version}
	}
	if err != nil {
		return nil, err
	}
	if file.Version != pointsVersion {
		return nil, fmt.Errorf("unsupported version %d", file.Version)
	}
	var points []Point
	for _, l := range file.Points {
		points = append(points, Point{l.Port, Scope{Directory: l.Directory, Project: l.Project, Worktree: l.Worktree}, l.Service})
	}
	return checkPoints(points)
}

func encodePoints(points []Point) ([]byte, error) {
	points, err := checkPoints(points)
	if err != nil {
		return nil, err
	}
	b := []byte(fmt.Sprintf("{\n  \"version\": %d,\n  \"points\": [", pointsVersion))
	for i, p := range points {
		line, err := json.Marshal(pointLine{p.Port, p.Service, p.Scope.Directory, p.Scope.Project, p.Scope.Worktree})
		if err != nil {
			return nil, err
		}
		b = append(append(separate(b, i), "\n    "...), line...)
	}
	if len(points) > 0 {
		b = append(b, "\n  "...)
	}
	return append(b, "]\n}\n"...), nil
}

// checkPoints returns valid points, by port.
func checkPoints(points []Point) ([]Point, error) {
	points = slices.SortedFunc(slices.Values(points), func(a, b Point) int { return cmp.Compare(a.Port, b.Port) })
	for i, p := range points {
		switch {
		case !validPort(p.Port):
			return nil, fmt.Errorf("%d is not a port", p.Port)
		case i > 0 && p.Port == points[i-1].Port:
			return nil, fmt.Errorf("port %d has two points", p.Port)
		case p.Scope.UserWide() || p.Scope.Project == "":
			return nil, fmt.Errorf("point %d has no directory or project", p.Port)
		}
		if _, err := ParseName(p.Service); err != nil {
			return nil, err
		}
	}
	return points, nil
}
