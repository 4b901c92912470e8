// Package portserver hands out ports to the processes of a machine, by the
// protocol of Python's portpicker, whose clients find a server through the
// environment variable PORTSERVER_ADDRESS. It is a server and a client.
//
// # Protocol
//
// A client connects to a Unix stream socket, "@name" in Linux's abstract
// namespace or else a file, and writes the pid of the process that is to own a
// port. The server reads once, up to 100 bytes, writes the port and closes:
//
//	client  4711\n
//	server  24999\n
//
// The pid is spelled as Python's int takes it: at most 20 bytes, with blanks
// around, a plus sign in front, single underscores between the digits, and the
// newline left out if the client likes. A server that closes without an answer
// has denied the request: it could not be read in time, the pid is 1 or less, no
// process has it, or no port is left.
//
// # Ownership
//
// A port belongs to a process, which is a pid and the time at which it started,
// for as long as that process exists. A zombie still does. There is no way to
// give a port back before.
//
// # Order
//
// The pool is a queue, at first from the highest port down. Each candidate that
// is looked at goes to the far end, whether it is handed out or not, so that a
// port that was given back comes last. It is handed out when no living process
// owns it, it can be bound for TCP and UDP, on IPv6 and IPv4, and Config.Leased
// does not claim it.
//
// # Concurrency properties
//
// All methods and functions may be called at the same time. Each request has a
// goroutine of its own, and a deadline. One mutex owns the queue, the owners,
// the statistics and the state file. It is not held while a candidate is looked
// at: the request claims the candidate, and others pass over it until the claim
// is settled. So two requests never get the same port, and a slow look at one
// candidate delays only who asked.
package portserver
