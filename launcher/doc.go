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
// The package knows neither the registry nor the allocator: the plan names
// every port. It prints nothing either: [Event] tells what happened, and the
// command line has the words for it.
//
// # Concurrency
//
// Per process there are two goroutines: one copies its output, one waits for
// it and then for its process group. Neither touches the supervisor's state.
// Notify is called by the supervisor's goroutine and must not block.
package launcher
