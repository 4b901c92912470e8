package control

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// parseQuery returns the parameters of a request. It refuses a query that is
// malformed, that has a parameter which is not known, or one twice: to ignore
// one would be to do something else than was asked for. Only "service" can
// repeat.
func parseQuery(raw string, known ...string) (url.Values, error) {
	v, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fmt.Errorf("malformed query: %w", err)
	}
	for name, values := range v {
		switch {
		case !slices.Contains(known, name):
			return nil, fmt.Errorf("unknown parameter %q", name)
		case name != "service" && len(values) > 1:
			return nil, fmt.Errorf("%s is given twice", name)
		case name == "service" && slices.Contains(values, ""):
			return nil, errors.New("service is empty; without it, all=true means all services")
		}
	}
	return v, nil
}

// parseBool returns the value of a parameter that is true or false; false
// without it.
func parseBool(v url.Values, name string) (bool, error) {
	switch value := v.Get(name); {
	case !v.Has(name), value == "false":
		return false, nil
	case value == "true":
		return true, nil
	}
	return false, fmt.Errorf("%s is true or false", name)
}

// services are those that a request names; none if it says all=true.
func services(r *http.Request) ([]string, error) {
	v, err := parseQuery(r.URL.RawQuery, "service", "all")
	if err != nil {
		return nil, err
	}
	all, err := parseBool(v, "all")
	switch {
	case err != nil:
		return nil, err
	case all && v.Has("service"):
		return nil, errors.New("all and service exclude each other")
	case !all && !v.Has("service"):
		return nil, errors.New("no service is named; all=true means all services")
	}
	return v["service"], nil
}

// requestError is the error of a request that cannot be understood.
type requestError struct{ error }
