package proctree

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// errProcargs means that the kernel's answer is not laid out as known.
var errProcargs = errors.New("kern.procargs2: not understood")

// parseProcargs reads what sysctl kern.procargs2 of macOS tells of a process: the
// number of arguments as int32, the path of the program, zero bytes up to a word's
// end, the arguments and the environment, each string ended by a zero byte. After
// an empty string come the kernel's own, which are not the environment's. The
// environment is missing where it is not told.
func parseProcargs(raw []byte) (argv, environ []string, err error) {
	if len(raw) < 4 {
		return nil, nil, errProcargs
	}
	argc := int32(binary.NativeEndian.Uint32(raw))
	_, rest, ok := bytes.Cut(raw[4:], []byte{0})
	if !ok || argc < 0 {
		return nil, nil, errProcargs
	}
	rest = bytes.TrimLeft(rest, "\x00")
	for range argc {
		arg, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return nil, nil, errProcargs
		}
		argv, rest = append(argv, string(arg)), after
	}
	for {
		entry, after, ok := bytes.Cut(rest, []byte{0})
		if !ok || len(entry) == 0 {
			return argv, environ, nil
		}
		environ, rest = append(environ, string(entry)), after
	}
}
