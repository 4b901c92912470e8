package portserver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/devports/devports/allocator/process"
)

// Assignment is a port and the process that owns it.
type Assignment struct {
	Port  int
	PID   int
	Since time.Time // to the second
}

// ReadState returns the assignments in the state file of a server, which may be
// running, whose owners exist, sorted by port. A missing file has none. The
// error for a damaged file contains its name and the line.
func ReadState(file string) ([]Assignment, error) {
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	records, err := readRecords(file, boot)
	return living(records), err
}

// living returns the last assignment of each port whose owner exists.
func living(records []record) []Assignment {
	last := map[int]record{}
	for _, r := range records {
		last[r.port] = r
	}
	var assignments []Assignment
	owners := existsCache{}
	for _, r := range last {
		if owners.exists(r.owner) {
			assignments = append(assignments, Assignment{r.port, r.owner.PID, time.Unix(r.since, 0)})
		}
	}
	slices.SortFunc(assignments, func(a, b Assignment) int { return cmp.Compare(a.Port, b.Port) })
	return assignments
}

// The state file has a header with the ID of the boot, followed by a line for
// each assignment, oldest first:
//
//	portserver 1 0d717a2b-01ff-470f-b5f4-9520209893f9
//	24999 4711 567890 1795243499
//
// These are the port, the pid, its start time, and the time of the assignment.
const stateVersion = "portserver 1 "

func appendHeader(b []byte, boot string) []byte {
	return append(append(append(b, stateVersion...), boot...), '\n')
}

func (r record) appendTo(b []byte) []byte {
	b = append(strconv.AppendInt(b, int64(r.port), 10), ' ')
	b = append(strconv.AppendInt(b, int64(r.owner.PID), 10), ' ')
	b = append(strconv.AppendInt(b, r.owner.Start, 10), ' ')
	return append(strconv.AppendInt(b, r.since, 10), '\n')
}

func readRecords(file, boot string) ([]record, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	records, line, err := parseRecords(string(text), boot)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w (remove the file to start without assignments)", file, line, err)
	}
	return records, nil
}

// parseRecords parses a state file. An error belongs to the returned line. It
// ignores a last line without a newline: a crash has truncated it, or it is
// being written. It also ignores the records of an earlier boot, and an empty
// file after a power failure.
func parseRecords(text, boot string) (records []record, line int, err error) {
	header, text, ended := strings.Cut(text, "\n")
	if header == "" && !ended {
		return nil, 0, nil
	}
	from, ok := strings.CutPrefix(header, stateVersion)
	if !ok || !ended {
		return nil, 1, fmt.Errorf("%.40q is not the header of a port server's state file", header)
	}
	if from != boot {
		return nil, 0, nil
	}
	for line = 2; ; line++ {
		var s string
		if s, text, ended = strings.Cut(text, "\n"); !ended {
			return records, 0, nil
		}
		r, ok := parseRecord(s)
		if !ok {
			return nil, line, fmt.Errorf("%.80q is not an assignment: want PORT PID START TIME", s)
		}
		records = append(records, r)
	}
}

// parseRecord accepts only the exact output of appendTo.
func parseRecord(line string) (record, bool) {
	fields := strings.Split(line, " ")
	if len(fields) != 4 {
		return record{}, false
	}
	port, err1 := strconv.ParseUint(fields[0], 10, 16)
	pid, err2 := strconv.ParseInt(fields[1], 10, 32)
	start, err3 := strconv.ParseUint(fields[2], 10, 63)
	since, err4 := strconv.ParseInt(fields[3], 10, 64)
	r := record{int(port), process.ID{PID: int(pid), Start: int64(start)}, since}
	var exact [96]byte
	ok := errors.Join(err1, err2, err3, err4) == nil && port > 0 && pid > 1 &&
		bytes.Equal(r.appendTo(exact[:0]), append([]byte(line), '\n'))
	return r, ok
}
