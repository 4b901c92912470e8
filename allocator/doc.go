// Package allocator chooses TCP ports that no other program wants, and checks
// whether a port is free.
//
// # Candidates
//
// A candidate is a port that
//
//   - is a user port of RFC 6335, 1024-49151, that IANA has neither assigned nor
//     reserved ([Assigned]);
//   - is in a run of at least 27 such ports, at least 3 from either end, because
//     the neighbours of an assigned port are often used, too;
//   - is not one of [Denied]: the NodePort range of Kubernetes, whose ports are
//     taken without a visible socket, and the default ports of well-known
//     development tools;
//   - is not one of [BrowserBlocked], the "bad ports" of the WHATWG's Fetch
//     standard, to which browsers do not connect;
//   - is in the allowed range, by default [DefaultRange];
//   - is not one of the machine's own ports ([Local]): its ephemeral range, for
//     the local ports of outgoing connections, its reserved ports, which the
//     administrator excludes from that range, and its excluded ports, which cannot
//     be bound.
//
// # Choice
//
// Without the last rule, the set is the same on every machine. [Pool.Choose]
// divides that portable set into stretches of about 100 neighbouring ports. The
// project and worktree select the stretch, the service and port name the start
// of the probing in it:
//
//	portable set       10133 … 10248 | 10292 … 10398 | 10399 … | … | … 29995
//	start                                   ↑
//	order of probes    4 4 4 4 4 4 4   2 2 2 1 1 1 1   3 3 3 3 3 3 3 3 3 3 3
//
// Probing skips the ports that only this machine excludes, so the choice is the
// same on every machine where that port is usable.
//
// # Too few candidates
//
// If the rules leave too few ports, they are dropped one after another, and
// [Pool.Widened] reports why. In the default range, fewer than 200 are too few;
// then the pool includes
//
//  1. all user ports, by the same rules;
//  2. those in the ephemeral range, too.
//
// In an explicit range, fewer than 20 are too few; then the pool includes,
// never outside of the range,
//
//  1. its reserved ports, which explicit binds may use: this is not reported;
//  2. all of its ports, except the denied and the ephemeral ones;
//  3. the ephemeral ones, too;
//  4. the denied ones, too.
//
// Excluded and browser-blocked ports are never chosen, and reserved ones only
// in an explicit range.
package allocator
