// Package launcher runs the services of a plan and keeps them under control.
//
//	   plans ─┐
//	 signals ─┤                  pure: machine, service.next
//	requests ─┤                     ▲         │ due events, actions
//	  clock  ─┼─► supervisor ───────┘         ▼
//	messages ─┘      │  └─► Notify(Event)   spawn, terminate, kill
//	    ▲            ▼                        │
//	    └──── operatingSystem: processes ◄────┘ ─► output.Mux
//
// [Run] is the supervisor: one goroutine that owns every service and carries
// out what the machine decides. Events of a process reach it as messages.
// service.next decides what an event means: it maps state, event and time to
// the next state and actions. machine.nextEvent decides which service may start
// or stop next. Neither has side effects or reads a clock. Messages from an
// earlier process of a service are dropped.
//
// A service that has a build has two processes side by side: that of the build,
// whose state is build, and its own. When a file changes, the service is built
// while its own process keeps running; only a build that succeeds restarts it.
//
// operatingSystem is everything the supervisor needs from the system. Package
// system implements it, and describes how no process is left behind and no
// other process is touched.
//
// [Controller] lets other goroutines query and control the run; it, too, only
// sends requests to the supervisor. Package control serves it to other
// processes.
//
// The package knows neither the registry nor the allocator: the plan names
// every port. It prints nothing either: it reports an [Event], and the command
// line words the message.
//
// # Concurrency
//
// Each process has two goroutines: one copies its output, one waits for its end
// and then for that of its group. Until it is ready, a third runs its check.
// None of them accesses the supervisor's state, and all have ended when Run
// returns, except the one that copies: see [output.Mux.Close]. The supervisor's
// goroutine calls Notify, which must not block.
package launcher
