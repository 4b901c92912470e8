// Package scaffold finds what can be started in a folder, and writes a
// Portfile of it.
//
//	Detect ──► Project ──► Portfile
//	fs.FS      a value     TOML text, with comments
//
// Both steps are pure. What [Detect] looks at, in this order:
//
//   - Procfile.dev, else Procfile: somebody has said what runs, so nothing else is guessed
//   - else package.json, go.mod, Cargo.toml and the marks of frameworks, here and in the folders below
//   - the services of a compose file, for the databases and the like
//
// Whatever it does not take it names, with the reason. What [Project.Portfile]
// writes is valid, whatever stood in those files.
//
// [PortFlag] knows which dev servers ignore PORT, and what to tell them.
package scaffold
