// Package launcher runs the services of a plan and keeps them under control.
//
//	   plans ─┐
//	 signals ─┤                  pure: machine, service.next
//	requests ─┤                     ▲         │ what is due, actions
//	  clock  ─┼─► supervisor ───────┘         ▼
//	messages ─┘      │  └─► Notify(Event)   spawn, terminate, kill
//	    ▲            ▼                        │
//	    └──── operatingSystem: processes ◄────┘ ─► output.Mux
//
// [Run] is the supervisor: one goroutine that owns every service and does what
// the machine decides. What happens to a process reaches it as a message; what
// that means for its service is decided by service.next, from state, event and
// time to state and actions; what may start or end now, and in which order, by
// machine.due. Neither does anything, or reads a clock. A message from an earlier
// process of a service is dropped.
//
// A service that has a build has two processes side by side: that of the build,
// whose state is build, and its own. A change has it built while its own process
// goes on; only a build that has succeeded has that end and another start.
//
// operatingSystem is all that the supervisor needs of the system; package system
// has it, and says how nothing is left behind and nothing else is touched.
//
// [Controller] lets others look at the run and steer it; they, too, only send the
// supervisor what it is to do. The package control serves it to other processes.
//
// The package knows neither the registry nor the allocator: the plan names
// every port. It prints nothing either: [Event] tells what happened, and the
// command line has the words for it.
//
// # Concurrency
//
// Per process there are two goroutines: one copies its output, one waits for
// its end and then for that of its group; until it is ready a third asks it.
// None of them touches the supervisor's state, and all have ended when Run
// returns, but for the copying: see [output.Mux.Close]. Notify is called by the supervisor's goroutine and must not block.
package launcher
