// Package control manages running instances of devports: how a process becomes
// the one run of a checkout, and how other processes find that run, start it in
// the background and control it.
//
// # Files
//
// [Runs] are the files of all runs of a user. A [Slot] is the place of the run
// of one checkout. The process that holds the lock file of the slot is the run
// (see [Slot.Claim]); a [Note] in that file identifies it and names its socket.
// A note in a lock file that no process holds means that the run was killed. A
// run is found even if its checkout has moved: see [Runs.Running]. The slot has
// a log, too, for a run in the background (see [Slot.Spawn]). The content of a
// slot is an [Instance]: the directory is enough to list, query, control and
// end all runs.
//
// # Protocol
//
// A run listens on a Unix socket and serves JSON over HTTP, also to curl:
//
//	curl --unix-socket "$(devports ps --socket)" http://devports/v1/status
//
//	GET  /v1/run                      the Note of the run, at once
//	GET  /v1/processes                the live processes of the services:
//	                                  {SERVICE: [PID, …]}
//	GET  /v1/status                   the Info of the run. check=true checks the
//	                                  ready services again and marks those that
//	                                  do not respond "unresponsive".
//	                                  sync=false: see below
//	GET  /v1/watch                    the Info of the run, at once and whenever it
//	                                  has changed, one JSON object each
//	GET  /v1/inspect?service=NAME     the Details of a service, with its command,
//	                                  its environment, and the CPU time and memory
//	                                  of its processes
//	GET  /v1/wait?service=NAME…       the services, once each is ready, responds
//	                                  and is not being built, or has ended, or is
//	                                  blocked by one that has (blocked_by).
//	                                  keep=true waits until all are ready or done;
//	                                  sync=false: see below
//	GET  /v1/logs?service=NAME…       log lines, one JSON object each: {"service",
//	                                  "time", "line"}. last=N limits them,
//	                                  since=TIME drops earlier ones, follow=true
//	                                  continues with new ones. {"missed": N}
//	                                  counts what a slow reader has lost
//	GET  /v1/output                   what services print, unchanged: {"service",
//	                                  "time", "text"} in base64, {"current": true}
//	                                  after what was kept, then new output. {"missed":
//	                                  N} counts lines that a slow reader has lost
//	GET  /v1/recorded                 {} once all earlier output is in the log
//	                                  store; an error if it is not recorded
//	GET  /v1/events?service=NAME…     events, one Event each; parameters as above
//	POST /v1/start?service=NAME…      start services that are not running
//	POST /v1/stop?service=NAME…       stop services; the run continues
//	POST /v1/restart?service=NAME…    restart services
//	                                  A shared service that other checkouts need
//	                                  is neither stopped nor restarted, unless
//	                                  with others=true
//	POST /v1/attach?service=NAME      connect to the terminal of a service: see below.
//	                                  rows=N&columns=N is the size of the client's,
//	                                  head=TEXT precedes the output of a restarted
//	                                  process
//	POST /v1/down                     end the run
//	POST /v1/hold?service=NAME…       start services that are not running, and
//	                                  keep them and the run from ending until the
//	                                  client disconnects: {"hold": ID, …}.
//	                                  fresh=true restarts the others.
//	                                  holder=CHECKOUT names the checkout that
//	                                  uses a shared service: see "holders"
//	POST /v1/release?hold=ID          end a hold; the last one stops what was
//	                                  started for holds
//	POST /v1/keep?service=NAME…       make services, or with all=true the run,
//	                                  outlast their holds
//
// GET without a service means all. POST requires a service or all=true, except
// that a hold without either holds only the run. Malformed queries and
// parameters that are not listed here are refused. POST responds with the status
// right after the command. An error is a JSON object {"error": TEXT}, with
// status 400 for an invalid request, 404 for a service that the run does not
// have (and "known", those that it has), 409 if the run is ending, and 423 if
// another hold prevents a fresh one, or other "checkouts" need the shared
// "service".
//
// Attach switches to the protocol devports-attach (the header Upgrade). The client
// then sends {"keys": BASE64}, which are typed, and {"rows", "columns"} when its
// terminal has another size; the run sends {"output": BASE64} and {"restarting":
// true} until the service has ended or the client disconnects. Several clients may
// be attached to a service; its terminal has the size of the smallest.
//
// The status of a service with a build has a field "build": "waiting" before the
// build, "running" during it, and "failed" after a failure ("build_lines" are
// then its last lines). "state" is the state of its process, which keeps running
// meanwhile: a service may be "ready" while its build is "running".
//
// # Consistency
//
// Before it answers status, wait, start, stop or restart, the run applies every
// edit of its files that was made before the request. A client that edits a
// file and then waits gets processes that have read the edit. This waits for
// the end of a burst of edits, and takes about a millisecond without one;
// sync=false skips it, in a wait just after a request that has done so. A
// restart skips services that such an edit has restarted since the request
// arrived. A service is "outdated" while its restart is delayed because it
// seems to write the files that it watches; requests other than status restart
// it at once. "refused" lists the mistakes in an edit that was not applied; the
// services then run on unchanged.
//
// # Versions
//
// [Protocol], the version in the path, covers all of this: later versions of
// devports may add to it but not change its meaning without another number.
// Clients must ignore unknown fields. A run that does not know a request or a
// parameter responds with its "protocol" and "version", which is an
// [OtherVersionError] for clients. They find the protocol of a run in its note, and
// send nothing to a run with another: "id", "pid", "start" and "directory" of notes
// therefore never change, so that every version can end every run with a signal.
//
// # Access
//
// Any process that can open the socket may control the run. The socket, and its
// directory, are accessible only to their user. A run whose socket was removed
// creates another one within a second, and updates its note.
//
// # Concurrency
//
// Each request has a goroutine. A client that takes more than ten seconds to
// send its request is disconnected; it delays no other client. A wait lasts as
// long as its client stays connected.
package control
