// Package registry remembers which name owns which port.
//
// A lease gives a port to a name in a scope: one checkout of a project, or the
// whole user. It lasts until it is removed, whether or not anything runs, and
// no other name gets the port. All leases of a user are in one file.
//
//	path, err := registry.Path(os.Getenv)
//	checkout, err := checkout.Find(".", "", os.Getenv)
//	wants := []allocator.WantedPort{{Name: allocator.PortName{Service: "auth"}}}
//	scope, leases, err := registry.Open(path).Lease(ctx, checkout, wants, registry.Options{Choose: choose})
//
// The package does not choose ports itself: see [Chooser].
//
// # Promises about ports
//
// A chosen port has one owner: the registry gives it to no other name, and
// never chooses a port that is pinned. A pin fixes the number and applies in
// main checkouts and user-wide; several names may pin the same number. A
// project's pin ends when the Portfile no longer has it, a user-wide pin with
// its lease. Leases appear, change and disappear only through calls: those of a
// removed directory stay until Prune gets them.
//
// # Labels of checkouts
//
// Two checkouts belong to the same project if they have the same project name
// and the same path inside a repository that they share, or that one of them
// was cloned from, or that both were cloned from. Any other two checkouts are
// two projects, even with the same name, and so are two directories outside
// git. The first checkout of a project is its main one while it exists; pins
// apply there. In a bare repository, the main checkout is the worktree of the
// default branch. Linked worktrees have git's name as label, further clones the
// name of their directory. If the name of a scope is in use by another existing
// one, the later scope gets a number, and keeps it.
//
// A scope belongs to a directory, whatever is in it. A directory that was moved
// or renamed is recognised by its ID once the recorded path is missing; or, if
// that path is certainly gone, by its project name and remote. Two paths of the
// same directory are one directory.
//
// # Other programs
//
// ParseForeign and Import take over the ports that port-for and plut have
// recorded, each for its own name, and overwrite nothing; Export writes their
// formats. The examples show the calls that replace those programs' libraries.
//
// # The file
//
// The file is JSON with one line for each lease, in an order that does not
// depend on history. Users may edit it. The reader is strict:
//
//	{
//	  "version": 2,
//	  "scopes": [
//	    {"leases": [
//	      {"name": "postgres", "port": 17432, "since": "2026-08-17T10:00:00Z"}
//	    ]},
//	    {"directory": "/home/ann/shop", "project": "shop", "repository": ".git", "remote": "github.com/acme/shop",
//	     "id": "19ep-3qfj0x2z1c9k.2i4w.tizk9c.7x1zlw", "place": "1gx7cq2mp4r0b 19ep-3qfj0x2z1c9k 3w5e11264sgsf", "leases": [
//	      {"name": "auth", "port": 23118, "since": "2026-08-17T10:00:00Z"},
//	      {"name": "auth:metrics", "port": 23121, "since": "2026-08-17T10:00:00Z"},
//	      {"name": "db", "port": 5432, "pinned": true, "since": "2026-08-17T10:00:00Z"}
//	    ]},
//	    {"directory": "/home/ann/shop-feature", "project": "shop", "worktree": "feature",
//	     "repository": "/home/ann/shop/.git", "remote": "github.com/acme/shop", "id": "…", "place": "…", "leases": [
//	      {"name": "auth", "port": 18430, "since": "2026-08-18T09:30:00Z"}
//	    ]}
//	  ]
//	}
//
// A scope with "override": true was created by DEVPORTS_WORKTREE, beside the
// scope of its directory. A lease with "undeclared": true belongs to a name
// that the project's file does not declare. The other keys of a scope describe
// its checkout. Lease determines and writes them each time:
//
//   - "declared" is the project's own name, if "project" has a number because
//     another project has that name; "requested" is the value of
//     DEVPORTS_WORKTREE, if "worktree" has a number for the same reason;
//   - "repository" is the git directory that its worktrees share, relative to the
//     directory if it is below it; "path" is the directory's path in the checkout,
//     unless it is the top; "remote" is the source of the clone: see
//     checkout.NormalizeRemote;
//   - "id" identifies the checkout's git directory, or outside git the directory:
//     see checkout.FileID. It contains a device number only if the file system has
//     no ID of its own;
//   - "place" serves to detect that the directory is gone: a hash of the machine
//     and its root directory, the directory's file system, and a hash of its parent
//     directory: see checkout.Place.
//
// The unique name of a scope is not in the file: it follows from "project" and
// "worktree", see Scope.Name.
//
// Version 1 had none of these keys. The package reads it, too: a scope without
// an "id" gets its labels by the rules above when it leases next, and keeps its
// ports. Writing converts the file to version 2, which an older devports
// refuses. A file that is empty or in any way different (an unknown key, an
// invalid name or port, a chosen port with two leases) is damaged: reading it
// is an error with the line, and the package writes nothing until the user or
// Repair has fixed the file. A newer version is an error, too.
//
// # Points
//
// The points of devports point are in a file of their own, the registry's path
// with ".points":
//
//	{
//	  "version": 1,
//	  "points": [
//	    {"port":3000,"service":"web","directory":"/home/ann/shop-feature","project":"shop","worktree":"feature"}
//	  ]
//	}
//
// They are not in the registry, because an older devports would take any key
// that it does not know for damage. Both files have the same lock.
//
// # Concurrency properties
//
// Any number of processes and goroutines may use a registry at once. An update
// holds the lock file beside the registry while it reads and writes, so updates
// happen one after another, and none is lost. The kernel releases the lock of a
// process that dies. A caller that waits for a hanging process gives up after
// 10 s, or as soon as its context ends. Readers take no lock: the file is
// replaced atomically, so they see the registry before or after an update. The
// lock uses flock, which depends on the file system: on NFS the server has to
// support it.
//
// # Crash properties
//
// When Lease returns, its leases are on disk. A crash of the process or the
// machine at any moment, or a full disk, leaves the registry as before the
// update or as after it. The version before the last update stays as
// registry.json.bak. A killed process may leave registry.json.new or
// registry.json.bak.new; the next update replaces them.
//
// # Access
//
// Only the user may read and write a new registry, or, in a group-writable
// directory, the group; a directory that the package creates is private to the
// user. An existing file keeps its mode and group, and its owner if root writes
// it. If the registry is a symlink, the package replaces the symlink's target,
// and the lock and the previous version are beside that.
package registry
