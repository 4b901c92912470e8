package control

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// parseQuery parses the parameters of a request. It refuses malformed queries,
// unknown parameters and repeated ones except "service": ignoring them would do
// something else than requested.
func parseQuery(raw string, known ...string) (url.Values, error) {
	v, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fmt.Errorf("malformed query: %w", err)
	}
	for name, values := range v {
		switch {
		case !slices.Contains(known, name):
			return nil, unknownRequest{fmt.Errorf("unknown parameter %q", name)}
		case name != "service" && len(values) > 1:
			return nil, fmt.Errorf("%s is repeated", name)
		case name == "service" && slices.Contains(values, ""):
			return nil, errors.New("service is empty; all=true means all services")
		}
	}
	return v, nil
}

// parseBool parses a boolean parameter; absent means false.
func parseBool(v url.Values, name string) (bool, error) {
	switch value := v.Get(name); {
	case !v.Has(name), value == "false":
		return false, nil
	case value == "true":
		return true, nil
	}
	return false, fmt.Errorf("%s must be true or false", name)
}

// services returns the services that a request names; none for all=true.
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
		return nil, errors.New("all and service are mutually exclusive")
	case !all && !v.Has("service"):
		return nil, errors.New("no service given; all=true means all services")
	}
	return v["service"], nil
}

// requestError is the error of an invalid request.
type requestError struct{ error }

func (e requestError) Unwrap() error { return e.error }

// unknownRequest is the error of a request, or of a parameter, that this version
// does not have.
type unknownRequest struct{ error }
