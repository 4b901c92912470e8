//go:build !(darwin || linux || openbsd)

package logstore

import "os"

// writeParts writes parts one after another, starting at pos.
func writeParts(f *os.File, parts [][]byte, pos int64) error {
	for _, part := range parts {
		if _, err := f.WriteAt(part, pos); err != nil {
			return err
		}
		pos += int64(len(part))
	}
	return nil
}
