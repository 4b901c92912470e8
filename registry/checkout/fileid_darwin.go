package checkout

import (
	"strconv"
	"syscall"
)

// born is when a file was made.
func born(st *syscall.Stat_t) string {
	return "." + strconv.FormatInt(st.Birthtimespec.Sec, 36) + "." + strconv.FormatInt(st.Birthtimespec.Nsec, 36)
}
