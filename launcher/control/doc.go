// Package control is the home of running instances of devports: how a process
// becomes the one run of a checkout, how others find it, start it in the
// background and steer it.
//
// # Files
//
// A [Folder] has all runs of a user, and a [Slot] in it is the place of the run
// of one checkout. The process that holds the slot's lock file is the run (see
// [Slot.Claim]); a [Note] in that file says who it is and where its socket is. A
// note without a holder is that of a run that was killed. A run remembers which folder
// it is of, wherever that is moved: see [Folder.Running]. The slot has a log,
// too, for a run in the background (see [Slot.Spawn]). What is found in a slot is
// an [Instance]: knowing the folder is enough to list, ask, steer and end all
// runs.
//
// # Protocol
//
// A run is served on a Unix socket: HTTP with JSON, which curl speaks as well.
//
//	curl --unix-socket "$(devports ps --socket)" http://devports/v1/status
//
//	GET  /v1/run                      who the run is: Note; answered at once
//	GET  /v1/processes                all processes that the services have started: {SERVICE: [PID, …]}
//	GET  /v1/status                   the run: Info; with check=true, services that are ready are asked once more,
//	                                  and "unresponsive" if they do not answer; sync=false: see below
//	GET  /v1/wait?service=NAME…       the services, once all are ready and answer and none is being built, have
//	                                  ended, or wait for what has (blocked_by); keep=true waits on until all are
//	                                  ready or done
//	GET  /v1/logs?service=NAME…       lines as JSON, one each: {"service", "time", "line"}; last=N, since=TIME,
//	                                  follow=true for those to come. {"missed": N} tells a slow reader what it lost
//	GET  /v1/recorded                 once all that was printed before is in the log store: {}, or an error if it is not
//	                                  recorded
//	GET  /v1/events?service=NAME…     what the run tells of itself: Event; with the same parameters
//	POST /v1/start?service=NAME…      start services that do not run
//	POST /v1/stop?service=NAME…       stop services; the run goes on
//	POST /v1/restart?service=NAME…    start services anew
//	POST /v1/down                     end the run
//	POST /v1/hold?service=NAME…       start services that do not run, and keep them and the run from ending for as
//	                                  long as the connection lasts: {"hold": ID, …}. fresh=true restarts the others
//	POST /v1/release?hold=ID          end a hold, and with the last one what was started for holds
//	POST /v1/keep?service=NAME…       have services, or with all=true the run, outlast the holds
//
// GET without a service means all. POST has to say so: all=true stands for all
// services. A hold without either holds the run. A query that is malformed, or has a parameter that is not listed
// here, is refused. POST answers with the same as status, as things are right
// after. An error is a JSON object {"error": TEXT}, with status
// 404 for a service that the run does not have (and "known", those it has), 409
// where the run is ending, 423 where a fresh hold meets another, and 400 for what is no request.
//
// A service that has a build has a field "build" beside its state while that is
// about to begin ("waiting"), while it runs ("running"), and once it has failed
// ("failed"; then "build_lines" are its last lines). The state is that of its
// process meanwhile, which goes on: "ready" and "running" stand side by side.
//
// # Answers are true now
//
// Before it answers status, wait, start, stop or restart, the run deals with every
// edit of the files that it follows which was made before the request came: who
// edits a file and then waits gets the processes that have read it. That waits
// for the quiet time of a burst of edits, and takes about a millisecond without
// one; status does without it if sync=false. A restart leaves out a service that
// such an edit has restarted since the request came. A service whose restart waits,
// because it seems to write itself what it watches, is "outdated" in status; the
// other requests have it restarted. "refused" has the mistakes of
// an edit that the run does not follow; its services run on as before.
//
// The version in the path stands for all of this: what is there keeps its
// meaning, and more may come. Fields that a client does not know are to be
// ignored.
//
// # Access
//
// Whoever can open the socket may steer the run. Its folder is a directory of its
// user and closed to all others, and the socket itself is, too. A run that has
// lost its socket makes another one within a second, and writes into its note
// where that is.
//
// # Concurrency properties
//
// Each request has a goroutine. A client that is slow to send its request is cut
// off after two seconds; it holds up nobody else. A wait lasts as long as its
// client.
package control
