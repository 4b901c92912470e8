// Package envvar names the environment variables of devports: those that a user
// sets, and those by which devports speaks to what it starts. Everything that
// reads or sets one takes its name from here.
//
// The ports themselves, PORT and PORT_<NAME>, are allocator.PortName's.
package envvar

// Prefix is what all of these names begin with. A user's own variables do not.
const Prefix = "DEVPORTS_"

// These are the user's.
const (
	// Home is the folder of devports' state, an absolute path. registry.Home reads
	// it.
	Home = "DEVPORTS_HOME"
	// Registry is the registry's file, instead of registry.json in Home.
	// registry.Path reads it.
	Registry = "DEVPORTS_REGISTRY"
	// Range is where ports are chosen from, such as "20000-29999", instead of the
	// range of the Portfile. The command line reads it.
	Range = "DEVPORTS_RANGE"
	// Logs is how much the logs of all runs may take on disk, such as "2GB", or
	// "off". The command line reads it.
	Logs = "DEVPORTS_LOGS"
)

// These say to a service, and to what "devports env" and "devports run" give
// their variables, what it is. procfile sets them; allocator/holder reads them
// in the environment of the process that holds a port, and the launcher in those
// of processes that have got away.
const (
	Project = "DEVPORTS_PROJECT"
	// Service is the name of the service.
	Service = "DEVPORTS_SERVICE"
	// Worktree is the label of the checkout, empty in the main one. Set by the
	// user, that is without Project beside it, it gives the checkout another
	// label: checkout.Find reads it.
	Worktree = "DEVPORTS_WORKTREE"
)

// Env lists the variables that devports has set in an environment; see [Mark]
// and [Own]. "devports env" prints it, and what "devports run" and "devports up"
// start has it.
const Env = "DEVPORTS_ENV"

// These mark processes. Each passes its marks on to those that it starts.
const (
	// Instance says which run has started a process. The launcher sets it, and
	// finds by it what is left of a run.
	Instance = "DEVPORTS_INSTANCE"
	// Outside, with the value 1, marks what is none of a run's, such as the
	// browser that it has opened. The launcher sets it, and leaves alone what has
	// it.
	Outside = "DEVPORTS_OUTSIDE"
)
