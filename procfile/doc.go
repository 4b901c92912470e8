// Package procfile reads what a project declares: the Portfile or Procfile
// and the env files beside it.
//
// The way of a file through the package:
//
//	Find ──► Read ──► File ──► Resolve ──► Plan ──► Diff
//	         Parse      │        ▲          what `up` runs
//	                    │        │
//	                  Ports ─► numbers, chosen by the caller
//
// [Parse] is pure: bytes in, a [File] or all of its [Problems] out, each with
// its position. [File.Resolve] reads the env files, expands every variable and
// gives each service its command, directory and complete environment. The
// numbers of the ports are the caller's to provide; a File says which ones it
// wants ([File.Ports]).
//
// Nothing here is ever skipped in silence: a line or key that has no meaning
// is a Problem, and every Problem of a file is reported at once.
package procfile
