// Package scaffold finds the services of a directory and writes a Portfile for
// them.
//
//	Detect ──► Project ──► Portfile
//	fs.FS      a value     TOML text, with comments
//
// Both steps are pure. [Detect] works in three steps:
//
//	ecosystems ┐
//	Procfiles  ├─► findings ──► merge ──► compose
//	runners    ┘   candidates,  who wins  what stays in
//	               left out               a container
//
// An ecosystem is a function from the files of a directory to findings: node,
// golang, python and so on, each in a file of its own. It decides nothing about
// the others. The files of other process runners and Procfile.dev declare
// everything, so they win over ecosystems; a Procfile for deployment adds only
// its workers.
//
// A service of a compose file becomes a process if an ecosystem found the same
// program, and the process can reach what the container reached: it gets the
// container's command and environment, with db:5432 as localhost:${PORT_DB}.
// Otherwise it stays in a container, which publishes a leased port.
//
// Detect lists everything that it leaves out, with the reason.
// [Project.Portfile] always returns a valid file, whatever those files contain.
//
// [PortFlag] knows the dev servers that ignore PORT, and the flags that set
// their port.
package scaffold
