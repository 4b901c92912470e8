package ownership

import "io/fs"

// ownerOf does not know: files have access control lists there.
func ownerOf(fs.FileInfo) (int, bool) { return 0, false }
