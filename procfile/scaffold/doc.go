// Package scaffold finds the services of a directory and writes a Portfile for
// them.
//
//	Detect ──► Project ──► Portfile
//	fs.FS      a value     TOML text, with comments
//
// Both steps are pure. [Detect] reads, in this order:
//
//   - Procfile.dev or Procfile; if there is one, Detect guesses nothing else
//   - otherwise package.json, go.mod, Cargo.toml and the files that identify
//     frameworks, in the directory and its subdirectories
//   - the services of a compose file, such as databases
//
// It lists everything that it leaves out, with the reason. [Project.Portfile]
// always returns a valid file, whatever those files contain.
//
// [PortFlag] knows the dev servers that ignore PORT, and the flags that set
// their port.
package scaffold
