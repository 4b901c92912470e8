package ownership

import "io/fs"

// ownerOf does not know the owner: files have access control lists on Windows.
func ownerOf(fs.FileInfo) (int, bool) { return 0, false }
