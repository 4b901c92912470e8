// Package envvar defines the names of devports' environment variables: those
// that a user sets, and those that devports sets for the processes that it
// starts. All code that reads or sets one uses these names.
//
// PORT and PORT_<NAME> are defined by allocator.PortName.
package envvar

// Prefix is the prefix of these names. Only devports uses it.
const Prefix = "DEVPORTS_"

// These are set by the user.
const (
	// Home is the directory of devports' state, an absolute path. registry.Home
	// reads it.
	Home = "DEVPORTS_HOME"
	// Registry is the registry's file, instead of registry.json in Home.
	// registry.Path reads it.
	Registry = "DEVPORTS_REGISTRY"
	// Range is the range of chosen ports, such as "20000-29999", instead of
	// that of the Portfile. The command line reads it.
	Range = "DEVPORTS_RANGE"
	// Front is "off", or the port of named addresses. The command line reads
	// it.
	Front = "DEVPORTS_FRONT"
	// Logs is the size limit of the logs of all runs, such as "2GB", or "off".
	// The command line reads it.
	Logs = "DEVPORTS_LOGS"
)

// These identify a service to itself, and to the processes that get the
// variables of "devports env" and "devports run". procfile sets them;
// allocator/holder reads them in the environment of the process that holds a
// port, and the launcher in those of orphans.
const (
	Project = "DEVPORTS_PROJECT"
	// Service is the name of the service.
	Service = "DEVPORTS_SERVICE"
	// Worktree is the label of the checkout, empty in the main one. If the user
	// sets it, which means without Project, it gives the checkout another
	// label: checkout.Find reads it.
	Worktree = "DEVPORTS_WORKTREE"
	// Slug is the unique name of the checkout on this machine, of characters
	// that names of databases may have: see registry.Scope.Slug.
	Slug = "DEVPORTS_SLUG"
)

// Env lists the variables that devports has set in an environment; see [Mark]
// and [Own]. "devports env" prints it, and "devports run" and "devports up" set
// it.
const Env = "DEVPORTS_ENV"

// These mark processes. Child processes inherit them.
const (
	// Instance identifies the run that started a process. The launcher sets it,
	// and uses it to find the orphans of a run.
	Instance = "DEVPORTS_INSTANCE"
	// Outside, with the value 1, marks processes that do not belong to the run,
	// such as a browser that it has opened. The launcher sets it, and does not
	// kill processes that have it.
	Outside = "DEVPORTS_OUTSIDE"
)
