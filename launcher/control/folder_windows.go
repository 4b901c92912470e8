package control

import "io/fs"

// shortTemp is empty: there is no such folder.
const shortTemp = ""

// ownedByUser is always true: on Windows, other users have no access to a
// user's folders.
func ownedByUser(fs.FileInfo) bool { return true }
