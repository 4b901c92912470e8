package control

import "io/fs"

// shortTemp is empty: there is no such directory.
const shortTemp = ""

// ownedByUser is always true: on Windows, other users have no access to a
// user's directories.
func ownedByUser(fs.FileInfo) bool { return true }
