// Package dashboard is the page of all checkouts of a user, which the front
// serves at http://devports.localhost:4777, and the same as JSON.
//
//	GET  /                    the page: the same for everybody, without data
//	GET  /style.css /app.js   its only other files
//	POST /api/session         {"token": TOKEN}: 204 and the cookie; 403 if it is
//	                          wrong. {"plain": true} too: a cookie without Secure,
//	                          for browsers that refuse that on http
//	GET  /api/state           State
//	GET  /api/lines           Lines
//	POST /api/start           {"checkout": ID, "services": [NAME, …]}; none
//	POST /api/stop            stands for all: 204, or {"error", "hint"}
//	POST /api/restart
//	POST /api/point           {"port": 3000, "checkout": ID, "service": NAME}, or
//	                          {"port": 3000, "off": true}
//	GET  /api/stream          a WebSocket
//
// # State
//
//	{"version",               of the page and of devports
//	 "checkouts": [{"id", "project", "worktree", "directory", "branch", "commit",
//	   "url", "background", "pid", "since", "running", "ending", "ended",
//	   "problem", "warning", "services": [SERVICE, …]}, …],
//	 "points": [{"port", "checkout", "service", "state", "detail"}, …]}
//
// A checkout is listed while it runs, and for a day after its end: then "running"
// is false, and "ended" describes how it ended. "id" is its unique name; "url" is
// that of its own page; "warning" is why its latest edit was not applied, and
// "problem" why it does not respond. A service has "name", "state", "label",
// "detail", "address", "port", "pid", "since", "restarts", "ready_ms", "exit",
// "restart_at", "cpu" (percent of one processor), "memory" (bytes) and "lines"
// (it may have output). Unknown values are absent. A service that was never
// started has the state "inactive".
//
// # Lines
//
// /api/lines takes checkout=ID, service=NAME (repeated; without it: all),
// grep=RE, which ignores case unless it has a capital letter, n=500, and one of
// before=CURSOR, after=CURSOR, from=CURSOR (which includes it) or none, for the
// last lines. It also reads earlier runs of the checkout.
//
//	{"lines": [LINE, …], "start": nothing is older, "end": nothing is newer,
//	 "since": the time of the oldest line, with start}
//	LINE: {"c": CURSOR, "t": ms since 1970, "s": SERVICE, "p": [SEGMENT, …],
//	 "o": it is devports' own, "cut": number of bytes that are left out}
//	or   {"t", "s", "gap": number of missing lines, "why"}
//	or   {"c", "t", "run": TEXT}, after the last line of a run that has ended
//	SEGMENT: "text" or ["text", "classes", "#colour", "#background"]
//
// Classes are b (bold), d (dim), i, u, x (struck out), v (inverse), f0 to f15,
// and g0 to g15 for the background. The text has no control characters but tabs:
// colours are decoded, and everything else is as [output.Printable] leaves it.
//
// # Stream
//
// The page sends {"follow": {"id": 7, "checkout": ID, "services": [], "grep":
// "", "after": CURSOR}}, which replaces an earlier one. Without after, it gets
// the last 500 lines first; with "live": true only new ones. {"follow": {"id":
// 8}} ends it. It gets {"state": State} at once and after changes, at most 5 a
// second, and {"follow": 7, "lines": [LINE, …], "skipped": N}. N lines before
// these are left out: a page gets at most 1,000 a second, and after a pause
// another 1,000. {"follow": 7, "start": true} says that nothing is older than
// the first lines; {"follow": 7, "error"} that there is none.
//
// # Access
//
// A token is in a file that only the user can read: see [Token]. A browser that
// knows it gets a cookie, an HMAC of the token with its expiry. /api, except
// session, requires the cookie: 401 without. All of /api requires that Host is
// devports.localhost with the port of the front, that Sec-Fetch-Site is
// same-origin, or absent and Origin is that of the page, and that the client's
// socket belongs to this user or root, where the system reports that: 403. POST
// and the stream require an Origin, POST also application/json: 415. A script can
// send Sec-Fetch-Site: same-origin.
//
// # Concurrency
//
// hub owns what is known about checkouts. It watches them while a page is open,
// with a goroutine for each run. Each stream has one goroutine that reads, one
// that sends the state, and one that follows lines.
package dashboard
