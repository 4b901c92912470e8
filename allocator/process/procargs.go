package process

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// errProcargs means that the kernel's answer is not laid out as known.
var errProcargs = errors.New("kern.procargs2: unexpected format")

// procargs is what sysctl kern.procargs2 of macOS returns of a process.
type procargs struct {
	program       string // its path
	argv, environ []string
}

// parseProcargs reads the number of arguments as int32, the path of the program,
// zero bytes up to a word's end, the arguments and the environment, each string
// ended by a zero byte. After an empty string come the kernel's own, which are
// not the environment's. The environment is missing of a
// process that may not be inspected.
func parseProcargs(raw []byte) (args procargs, err error) {
	if len(raw) < 4 {
		return procargs{}, errProcargs
	}
	argc := int32(binary.NativeEndian.Uint32(raw))
	program, rest, ok := bytes.Cut(raw[4:], []byte{0})
	if !ok || argc < 0 {
		return procargs{}, errProcargs
	}
	args.program = string(program)
	rest = bytes.TrimLeft(rest, "\x00")
	for range argc {
		arg, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return procargs{}, errProcargs
		}
		args.argv, rest = append(args.argv, string(arg)), after
	}
	for {
		entry, after, ok := bytes.Cut(rest, []byte{0})
		if !ok || len(entry) == 0 {
			return args, nil
		}
		args.environ, rest = append(args.environ, string(entry)), after
	}
}
