// Package portserver hands out ports to the processes of a machine, with the
// protocol of Python's portpicker, whose clients find a server through the
// environment variable PORTSERVER_ADDRESS. It contains a server and a client.
//
// # Protocol
//
// A client connects to a Unix stream socket, "@name" in Linux's abstract
// namespace or else a file, and writes the pid of the port's future owner. The
// server reads once, up to 100 bytes, writes the port and closes the
// connection:
//
//	client  4711\n
//	server  24999\n
//
// The pid has the syntax of Python's int: at most 20 bytes, optionally with
// white space around it, a plus sign, single underscores between digits, and a
// newline. A server that closes the connection without an answer has denied the
// request: it did not arrive in time, the pid is 1 or less, no process has it,
// or no port is left.
//
// # Ownership
//
// A port belongs to a process, identified by its pid and start time, as long as
// that process exists, even as a zombie. The owner cannot return it earlier.
//
// # Order
//
// The pool is a queue, initially from the highest port to the lowest. Each
// examined candidate goes to the end, whether it is handed out or not, so that
// released ports come last. It is handed out if no existing process owns it, it
// can be bound for TCP and UDP on IPv6 and IPv4, and Config.Leased returns
// false.
//
// # Concurrency properties
//
// All methods and functions may be called concurrently. Each request has its
// own goroutine and a deadline. One mutex guards the queue, the owners, the
// statistics and the state file. It is not held while a candidate is examined:
// the request claims the candidate, and others skip it meanwhile. So two
// requests never get the same port, and a slow check of one candidate delays
// only one request.
package portserver
