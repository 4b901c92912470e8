package control

// Protocol is the version of the requests and of what a run does with them. It is
// in the path of every request and in the [Note] of a run: a client sends no
// request to a run with another protocol. Only tests change it.
var Protocol = 1

// OtherVersionError reports that a run is of another version of devports, which
// does not know a request.
type OtherVersionError struct {
	Version  string // of the run's devports; "" if unknown
	Protocol int    // of the run; 0 if unknown
}

func (e *OtherVersionError) Error() string {
	if e.Version == "" {
		return "it was started by another version of devports"
	}
	return "it was started by devports " + e.Version
}

// checkProtocol returns an *OtherVersionError if a run has another protocol.
func (n Note) checkProtocol() error {
	if n.Protocol != 0 && n.Protocol != Protocol {
		return &OtherVersionError{n.Version, n.Protocol}
	}
	return nil
}
