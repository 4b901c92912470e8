package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/launcher/front"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// The states of a point.
const (
	pointReady    = "ready"    // connections are forwarded
	pointWaiting  = "waiting"  // for its service; connections are refused
	pointBlocked  = "blocked"  // another program has the port: Detail
	pointInactive = "inactive" // there is no front, as nothing runs
)

// pointRow is a point in JSON.
type pointRow struct {
	Port        int    `json:"port"`
	State       string `json:"state"`
	Detail      string `json:"detail,omitempty"`
	Service     string `json:"service"`
	Project     string `json:"project"`
	Worktree    string `json:"worktree,omitempty"`
	Directory   string `json:"directory"`
	Connections int    `json:"connections"`
}

func (p pointRow) scope() registry.Scope {
	return registry.Scope{Directory: p.Directory, Project: p.Project, Worktree: p.Worktree}
}

// applyPoints makes the front read the points, and returns the row of a port. The
// open connections of the ports in cut end.
func (s session) applyPoints(ctx context.Context, r registry.Registry, port int, cut ...int) (pointRow, error) {
	rows, err := s.pointRows(ctx, r, cut...)
	if err != nil {
		return pointRow{}, err
	}
	for _, row := range rows {
		if row.Port == port {
			return row, nil
		}
	}
	return pointRow{}, nil
}

// pointRows are all points, as they are once the front has read them.
func (s session) pointRows(ctx context.Context, r registry.Registry, cut ...int) ([]pointRow, error) {
	points, err := r.Points()
	if err != nil {
		return nil, err
	}
	place, err := s.frontPlace()
	if err != nil {
		return nil, err
	}
	states, _, err := place.ReloadPoints(ctx, cut...)
	if errors.Is(err, front.ErrNoPoints) {
		s.note("points do not work yet: the running front is from an earlier version of devports (to replace it: devports down --all, then devports up)")
	} else if err != nil {
		return nil, err
	}
	rows := make([]pointRow, len(points))
	for i, p := range points {
		row := pointRow{
			Port: p.Port, State: pointInactive, Service: p.Service,
			Project: p.Scope.Project, Worktree: p.Scope.Worktree, Directory: p.Scope.Directory,
		}
		for _, st := range states {
			if st.Port != p.Port {
				continue
			}
			row.Connections, row.State = st.Open, pointWaiting
			if st.Running {
				row.State = pointReady
			}
			if st.Error != "" {
				row.State, row.Detail = pointBlocked, st.Error
			}
		}
		rows[i] = row
	}
	return rows, nil
}

func (s session) listPoints(c *cli.Context) error {
	r, err := s.openRegistry(c)
	if err != nil {
		return err
	}
	rows, err := s.pointRows(c.Context, r)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return s.json(pointsOutput{Points: rows})
	}
	if len(rows) == 0 {
		s.note("no points")
		return nil
	}
	var t table
	t.add("PORT", "STATE", "SERVICE", "CHECKOUT", "DIRECTORY")
	for _, row := range rows {
		t.add(fmt.Sprint(row.Port), row.State, row.Service, row.scope().String(), row.Directory)
	}
	return t.write(s.stdout)
}

// points are the user's points, none if they cannot be read.
func (s session) points() []registry.Point {
	r, err := s.registryAt("")
	if err != nil {
		return nil
	}
	points, _ := r.Points()
	return points
}

// pointsAt are the points among ports, by port.
func (s session) pointsAt(ctx context.Context, ports []int) map[int]pointRow {
	rows := map[int]pointRow{}
	if !slices.ContainsFunc(s.points(), func(p registry.Point) bool { return slices.Contains(ports, p.Port) }) {
		return rows
	}
	r, err := s.registryAt("")
	if err != nil {
		return rows
	}
	all, err := s.pointRows(ctx, r)
	if err != nil {
		s.note("%v", err)
	}
	for _, row := range all {
		rows[row.Port] = row
	}
	return rows
}

// pointSource is the source of points for the front.
func pointSource(r registry.Registry) front.PointSource {
	return front.PointSource{
		Load: func() ([]front.Point, error) {
			points, err := r.Points()
			list := make([]front.Point, len(points))
			for i, p := range points {
				list[i] = front.Point{
					Port: p.Port, Service: p.Service,
					Project: p.Scope.Project, Worktree: p.Scope.Worktree, Directory: p.Scope.Directory,
				}
			}
			return list, err
		},
		Gone: checkout.IsGone,
	}
}
