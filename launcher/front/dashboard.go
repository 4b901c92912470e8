package front

import (
	"net/http"

	"github.com/devports/devports/launcher/front/dashboard"
)

// newDashboard returns the dashboard of the front.
func (f *front) newDashboard(o dashboard.Options) *dashboard.Dashboard {
	o.Port = f.options.Port
	o.Opened = f.changed
	o.Announced = func() <-chan struct{} { return f.table.routes().changed }
	o.OtherUser = fromOtherUser
	o.Points = func() (list []dashboard.Point) {
		f.points.apply() // follow may not have seen the latest routes yet
		states := map[int]PointState{}
		for _, s := range f.points.states() {
			states[s.Port] = s
		}
		for _, p := range f.points.list() {
			list = append(list, dashboard.Point{
				Port: p.Port, Checkout: dashboard.Checkout{Directory: p.Directory, Project: p.Project, Worktree: p.Worktree}, Service: p.Service,
				Running: states[p.Port].Running, Error: states[p.Port].Error,
			})
		}
		return list
	}
	return dashboard.New(o)
}

// fromOtherUser reports whether the client is a process of a user other than
// this one and root; root forwards ports into virtual machines. It is false if
// the user is unknown.
func fromOtherUser(r *http.Request) bool {
	user := userOf(r)
	return user != "" && user != "0" && user != ownUser()
}
