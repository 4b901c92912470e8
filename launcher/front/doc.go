// Package front gives every service of every checkout a name: a process for all
// runs of a user that forwards HTTP requests to them by their Host.
//
//	http://web.shop.localhost:4777         service web of shop
//	http://web.shop-login.localhost:4777   the same in the worktree login
//	http://shop.localhost:4777             the page of that checkout
//	http://devports.localhost:4777         all checkouts
//
// # Processes
//
// The process that holds the lock of a [Place] is the front; it runs [Serve].
// Each run connects to the socket of the place with [Announce], which starts a
// front if there is none. The routes of a run last as long as its connection. A
// front ends when no run has been connected for a while.
//
// # Protocol
//
// Both sides send JSON objects, see fromRun and fromFront. A run sends a hello
// with its identity, then all its services, again after each change. The front
// asks a run whether listening sockets belong to it, and reports what the run
// should print. A run of a later protocol asks the front to yield: it stops
// listening, releases its lock, and finishes the open requests. All its runs
// then connect to its successor. Later protocols may add fields and messages,
// but not change them: unknown ones are ignored.
//
// # Checking the listener
//
// The front connects to a port only if every socket that may accept the
// connection belongs to the run: see backend.dial. It never forwards a request
// to a checkout other than the one that its Host names.
//
// # Points
//
// A [Point] is another port of the front. It forwards raw TCP to a service of
// one checkout, with the same evidence as for names. The front holds the ports
// of all points while it lives, so that no other program answers there; while a
// service is not ready, the kernel refuses connections: see pointPort. A front
// with points ends like any other, a minute after the last run: then there is
// nothing to forward to, and the next run starts another.
//
// # Concurrency
//
// table owns the routes, in values that do not change: a request reads them
// without waiting. Each run has one goroutine that reads its messages, and a
// mutex for writing. Each request has its goroutine, and each connection to a
// point has two. points.follow waits for later routes, and takes the ports of
// points, and starts and stops listening on them.
package front
