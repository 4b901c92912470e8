// Package launcher runs the services of a plan and keeps them under control.
//
//	             plans ─┐
//	           signals ─┤          pure: service.next
//	                    ▼            ▲         │
//	process goroutines ─► messages ─► supervisor ─► Notify(Event)
//	timers ─────────────┘               │
//	                                    ▼ spawn, terminate, kill
//	                                 processes ─► output.Mux
//
// [Run] is the supervisor: one goroutine that owns every service. What happens
// to a process reaches it as a message; what a message means is decided by
// service.next, a pure function from state and event to state and actions; only
// the supervisor carries actions out. A message of a process that is no longer
// the service's latest is dropped, so late timers are harmless.
//
// [Steering] lets others look at the run and steer it; they, too, only send the
// supervisor what it is to do. The package control serves it to other processes.
//
// The package knows neither the registry nor the allocator: the plan names
// every port. It prints nothing either: [Event] tells what happened, and the
// command line has the words for it.
//
// # Nothing is left
//
// A process is ended with all that it has started: its process group, and what
// has left that. On Linux the run adopts what loses its parent, and tells by a
// mark in the environment whose it was. A watchdog, a process of its own, ends what
// bears the mark when the run is killed. If that is killed as well, the mark
// lets [EndLeft] end the rest later. What clears its environment and is adopted
// in the last moment before the kill is the one thing that can get away.
//
// # Concurrency
//
// Per process there are two goroutines: one copies its output, one waits for
// its end and then for that of its group; until it is ready a third asks it.
// None of them touches the supervisor's state. One goroutine waits for all dead
// children, since a wait that blocks would take a thread each.
// Notify is called by the supervisor's goroutine and must not block.
package launcher
