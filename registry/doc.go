// Package registry remembers which name owns which port.
//
// A lease says that a port belongs to a name in a scope: one checkout of a project, or the user as a whole. It lasts until it is
// removed, whether or not anything runs, and is kept from every other name. All of a user's leases are in one file.
//
//	path, err := registry.Path(os.Getenv)
//	checkout, err := checkout.Find(".", "", os.Getenv)
//	scope, leases, err := registry.Open(path).Lease(ctx, checkout, []registry.Want{{Name: allocator.PortName{Service: "auth"}}},
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
//	  "version": 1,
//	  "scopes": [
//	    {"leases": [
//	      {"name": "postgres", "port": 17432, "since": "2026-08-17T10:00:00Z"}
//	    ]},
//	    {"directory": "/home/ann/shop", "project": "shop", "leases": [
//	      {"name": "auth", "port": 23118, "since": "2026-08-17T10:00:00Z"},
//	      {"name": "auth:metrics", "port": 23121, "since": "2026-08-17T10:00:00Z"},
//	      {"name": "db", "port": 5432, "pinned": true, "since": "2026-08-17T10:00:00Z"}
//	    ]},
//	    {"directory": "/home/ann/shop-feature", "project": "shop", "worktree": "feature", "leases": [
//	      {"name": "auth", "port": 18430, "since": "2026-08-18T09:30:00Z"}
//	    ]}
//	  ]
//	}
//
// A scope with "override": true was set up by DEVPORTS_WORKTREE, beside that of its directory. A file with an unknown key, a bad
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
