package checkout

import (
	"strconv"
	"syscall"
)

// born returns the creation time of a file.
func born(st *syscall.Stat_t) string {
	return "." + strconv.FormatInt(st.Birthtimespec.Sec, 36) + "." + strconv.FormatInt(st.Birthtimespec.Nsec, 36)
}
