package process

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// errProcargs reports an unknown layout of the kernel's answer.
var errProcargs = errors.New("kern.procargs2: unexpected format")

// procargs is the result of the sysctl kern.procargs2 of macOS.
type procargs struct {
	program       string // its path
	argv, environ []string
}

// parseProcargs parses the number of arguments as int32, the path of the
// program, zero bytes up to the end of a word, the arguments, and the
// environment; each string ends with a zero byte. After an empty string follow
// the kernel's own strings, which do not belong to the environment. Without
// permission to inspect the process, the environment is missing.
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
