// Package procfile reads a project's declaration: the Portfile or Procfile and
// the env files beside it.
//
// A file passes through the package like this:
//
//	Find ──► Read ──► File ──► Resolve ──► Plan ──► Diff
//	         Parse      │        ▲          run by `up`
//	                    │        │
//	                  Ports ─► numbers, chosen by the caller
//
// [Parse] is pure: bytes in, a [File] or all of its [Problems] out, each with
// its position. [File.Resolve] reads the env files, expands every variable and
// gives each service its command, directory and complete environment. A File
// lists the ports that it wants ([File.Ports]); the caller provides their
// numbers.
//
// The package never skips input silently: an unknown line or key is a Problem,
// and it reports all Problems of a file at once.
package procfile
