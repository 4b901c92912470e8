// Package allocator chooses TCP ports that nothing else wants, and tells
// whether a port is free.
//
// # Which ports
//
// A candidate is a port that
//
//   - is one of the user ports of RFC 6335, 1024-49151, and not among those that
//     IANA has assigned or reserved ([Assigned]);
//   - lies in a run of at least 27 such ports, 3 from either end, because the
//     neighbours of an assigned port are often used along with it;
//   - is not one of [Denied]: the NodePort range of Kubernetes, whose ports
//     are taken without a socket that shows it, and the default ports of
//     well-known development tools;
//   - is not one of [BrowserBlocked], the "bad ports" of the WHATWG's Fetch
//     standard, to which a browser makes no connection;
//   - lies in the range that is allowed, [DefaultRange] unless told otherwise;
//   - is not the machine's own ([Local]): its ephemeral range, from which it
//     takes the local ports of outgoing connections, its reserved ports, which
//     the administrator keeps out of that, and its excluded ones, which cannot
//     be bound.
//
// # Which of them
//
// All but the last rule give the same set on every machine. [Pool.Choose] cuts
// that portable set into stretches of about 100 neighbouring ports. The
// project and worktree pick the stretch, the service and port name the place in
// it where the probing starts:
//
//	portable set       10133 … 10248 | 10292 … 10398 | 10399 … | … | … 29995
//	start                                   ↑
//	order of probes    4 4 4 4 4 4 4   2 2 2 1 1 1 1   3 3 3 3 3 3 3 3 3 3 3
//
// Ports that only this machine excludes are skipped while probing, so the
// choice is the same on every machine where the port is usable there.
//
// # Too few of them
//
// When the rules leave too few ports, they are dropped one after another, and
// [Pool.Widened] says so. In the default range, fewer than 200 are too few; then
// come
//
//  1. all user ports, by the same rules;
//  2. those in the ephemeral range too.
//
// In an explicit range, fewer than 20 are too few; no port outside of it is ever
// chosen, but then come
//
//  1. the reserved ones, which are for who names them: nothing is said of that;
//  2. all of its ports, except the denied and the ephemeral ones;
//  3. the ephemeral ones too;
//  4. the denied ones too.
//
// Excluded and browser-blocked ports are never chosen, nor are reserved ones
// without an explicit range.
package allocator
