package control

import "io/fs"

// shortTemp is empty: the system has no other folder for that.
const shortTemp = ""

// ownedByUser is not known on Windows: the folders of a user are not open to
// others.
func ownedByUser(fs.FileInfo) bool { return true }
