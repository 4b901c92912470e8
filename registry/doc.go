// Package registry remembers which name owns which port.
//
// A lease says that a port belongs to a name in a scope: one checkout of a project, or the user as a whole. It lasts until it is
// removed, whether or not anything runs, and is kept from every other name. All of a user's leases are in one file.
//
//	path, err := registry.Path(os.Getenv)
//	checkout, err := checkout.Find(".", "", os.Getenv)
//	scope, leases, err := registry.Open(path).Lease(ctx, checkout, []allocator.WantedPort{{Name: allocator.PortName{Service: "auth"}}},
//		registry.Options{Choose: choose})
//
// Which port is a good one is decided elsewhere: see Chooser.
//
// # Promises about ports
//
// A chosen port has one owner: no other name is given it, and none is chosen that anybody has pinned. A pin names its number and
// binds in main checkouts and user-wide; several names may pin one number. A project's pin ends when its Portfile no longer has
// it, a user-wide one with its lease. Leases appear, change and vanish only as a call asks: those of a directory that is gone stay
// until Prune is given them.
//
// # What a checkout is called
//
// Two checkouts are of one project if they are called alike and have one git repository, or were cloned from one, or one from the
// other; they lie at the same place in it. Any other two are two projects, whatever they are called, and so are any two folders
// outside git. The first checkout of a project is its main one, as long as it is there, where pins bind. In a bare repository, that
// is the worktree of its default branch. Linked worktrees are called as git calls them, further clones after their folders. Where
// the name of a scope is another living one's, the later gets a number, which it keeps.
//
// A scope belongs to a directory, whatever is in it. One that was moved or renamed is known again by its id once the recorded path is
// missing, else, when that is gone for certain, by what it is called and its remote. Two paths of one folder are one directory.
//
// # Other programs
//
// ParseForeign and Import take over what port-for and plut have kept, each port as its name's own, and overwrite nothing; Export
// gives it back. The examples show which calls do what those programs' libraries do.
//
// # The file
//
// The file is JSON with a line for each lease, in an order that does not depend on history. People may edit it. It is read strictly:
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
// A scope with "override": true was set up by DEVPORTS_WORKTREE, beside that of its directory. A lease with "undeclared": true is of
// a name that the project's file does not have. What else a scope may have is found out of its checkout, and written with the next
// lease for it:
//
//   - "declared" is what the project calls itself, where "project" has a number because another one is called so; "asked" likewise
//     is what DEVPORTS_WORKTREE says;
//   - "repository" is the git directory that its worktrees have in common, from the directory on if it lies below; "path" is where in
//     the checkout the directory is, if not at its top; "remote" is where it was cloned from: see checkout.NormalizeRemote;
//   - "id" identifies the checkout's git directory, or outside git the directory: see checkout.FileID. A device number may stand in
//     it only where the file system has no ID of its own;
//   - "place" is how to tell that the directory is gone: a hash of the machine and of its root folder, the file system that the
//     directory is on, a hash of the folder that it is in: see checkout.Place.
//
// The name of a scope, which is unique, is not written: it follows from "project" and "worktree", see Scope.Name.
//
// Version 1 had none of these, and is read as well: a scope without an "id" gets its labels by the rules below when it is next leased
// for, and keeps its ports. Writing makes it version 2, which an older devports refuses. A file with an unknown key, a bad
// name or port, a chosen port that another lease has, anything that is not as above, or nothing at all in it, is damaged: reading
// it is an error with the line, and nothing is written until somebody, or Repair, has put it in order. A later version is an error,
// too.
//
// # Concurrency properties
//
// Any number of processes and goroutines may use a registry at once. An update holds the lock file beside the registry from its
// reading to its writing, so updates happen one after another, and none is lost. The kernel frees the lock of a process that dies.
// Whoever waits for one that does not go on gives up after 10 s, and at once when its context ends. Readers take no lock: the file
// is replaced as a whole, so they see the registry as it was before or after an update. The lock relies on flock, which is as
// good as the file system: on NFS the server has to support locking.
//
// # Crash properties
//
// When Lease returns, what it returns is on the disk. A crash of the process or the machine at any moment, and a full disk, leave
// the registry as it was before the update or as it is after. The version before the last update stays as registry.json.bak. A
// process that is killed may leave registry.json.new or registry.json.bak.new; the next update takes their place.
//
// # Access
//
// A new registry is readable and writable by its user alone, or, in a group-writable folder, by the group; a folder that has to
// be made is the user's alone. An existing file keeps its mode and group, and its owner where root writes. If the registry is a
// symlink, the file that it leads to is replaced, and the lock and the previous version are beside that.
package registry
