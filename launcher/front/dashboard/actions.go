package dashboard

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
)

// actionTime is how long a run may take to respond.
const actionTime = 10 * time.Second

func (d *Dashboard) actions() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"session": d.session, "point": d.point,
		"start": d.command(control.Client.Start), "stop": d.command(control.Client.Stop), "restart": d.command(control.Client.Restart),
	}
}

// command returns the handler of a command to a run.
func (d *Dashboard) command(send func(control.Client, context.Context, ...string) (control.Info, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Checkout string   `json:"checkout"`
			Services []string `json:"services"`
		}
		if !decode(w, r, &body) {
			return
		}
		c, ok := d.hub.find(r.Context(), body.Checkout)
		if !ok {
			failUnknown(w)
			return
		}
		if !c.running {
			text, hint := d.options.NotRunning(c.Checkout)
			fail(w, http.StatusConflict, text, hint)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), actionTime)
		defer cancel()
		if _, err := send(c.instance.Client(), ctx, body.Services...); err != nil {
			text, hint := d.options.Explain(c.Checkout, err)
			fail(w, http.StatusConflict, text, hint)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

const unknownCheckout = "devports no longer lists this checkout"

func failUnknown(w http.ResponseWriter) {
	fail(w, http.StatusNotFound, unknownCheckout+"; to list it again, run this in its directory", "devports up")
}

// point serves the request to point a port to a service, or to no service any
// more.
func (d *Dashboard) point(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Port     int    `json:"port"`
		Checkout string `json:"checkout"`
		Service  string `json:"service"`
		Off      bool   `json:"off"`
	}
	if !decode(w, r, &body) {
		return
	}
	var to checkoutInfo
	switch {
	case body.Port < 1 || body.Port > 65535:
		fail(w, http.StatusBadRequest, "a port is a number from 1 to 65535", "")
		return
	case body.Off && (body.Checkout != "" || body.Service != ""), !body.Off && body.Service == "":
		fail(w, http.StatusBadRequest, "name a checkout and a service, or off", "")
		return
	case !body.Off:
		var ok bool
		if to, ok = d.hub.find(r.Context(), body.Checkout); !ok {
			failUnknown(w)
			return
		}
		if !slices.ContainsFunc(to.info.Services, func(st launcher.Status) bool { return st.Service == body.Service && st.Port != 0 }) {
			fail(w, http.StatusBadRequest, "this service has no port", "")
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), actionTime)
	defer cancel()
	if err := d.options.Point(ctx, body.Port, to.Checkout, body.Service); err != nil {
		text, hint := d.options.Explain(to.Checkout, err)
		fail(w, http.StatusConflict, text, hint)
		return
	}
	d.hub.notify()
	w.WriteHeader(http.StatusNoContent)
}
