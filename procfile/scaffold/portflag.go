package scaffold

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
)

// Server is the dev server that a shell command starts, and the source of its
// port. The zero Server means that no known dev server was found.
type Server struct {
	Framework string // "Vite"; "" for an unknown program
	Ignores   bool   // with this command, it does not listen on PORT
	Fixed     int    // the port in the command; 0: none
	Flag      string // makes it listen on PORT: "--port $PORT --strictPort"
	Command   string // the command with Flag or $PORT; "" if it cannot be changed
	appended  string // text that passes Flag if appended to the command; "" if that is impossible
}

// PortFlag finds the dev server that a shell command starts, and the source of
// its port. Commands that only build, and those that already use $PORT, ignore
// nothing.
//
// It reads only the text: it does not know configuration files, the program's
// own code, or scripts that the command runs (see [PortFlagIn]).
func PortFlag(command string) Server {
	for _, c := range splitCommands(command) {
		if s, ok := serverOf(command, c); ok {
			return s
		}
	}
	return Server{}
}

// serverOf finds the dev server that a simple command in line starts.
func serverOf(line string, c simpleCommand) (Server, bool) {
	inv := unwrap(c)
	known, ok := lookUp(inv)
	s := Server{Framework: known.name, Flag: known.flag}
	if c.last {
		s.appended = s.Flag
	}
	switch assigned := inv.assigned; {
	case slices.ContainsFunc(c.words, func(w word) bool { return mentionsPort(w.text) }):
		s.Command = line
		return s, true
	case known.fixed(inv.args, line, &s):
	case assigned != nil && (!ok || known.reads):
		s.fix(line, *assigned)
	case !ok:
		return Server{}, false
	case known.reads:
		s.Command = line
	default:
		s.Ignores = true
		if s.Flag != "" {
			s.Command = line[:c.end()] + " " + s.Flag + line[c.end():]
		}
	}
	return s, true
}

// fix records the number at the end of w as the server's port, and replaces it
// with $PORT in the command.
func (s *Server) fix(line string, w word) {
	digits := len(w.text) - len(strings.TrimRight(w.text, "0123456789"))
	port, err := allocator.ParsePort(w.text[len(w.text)-digits:])
	if err != nil {
		return
	}
	s.Ignores, s.Fixed = true, port
	raw := line[w.start:w.end]
	if at := strings.LastIndex(raw, strconv.Itoa(port)); at >= 0 && !strings.Contains(raw, "'") {
		at += w.start
		s.Command = line[:at] + "$PORT" + line[at+digits:]
	}
}

// fixed looks for a port in the arguments. It accepts a variable in its place
// as the user's choice.
func (d devServer) fixed(args []word, line string, s *Server) bool {
	for i, a := range args {
		option, value, joined := strings.Cut(a.text, "=")
		for _, o := range d.options {
			switch {
			case o == "" && isAddress(a.text):
				s.fix(line, a)
			case o != "" && joined && option == o:
				s.fixValue(line, a, value)
			case o != "" && a.text == o && i+1 < len(args):
				s.fixValue(line, args[i+1], args[i+1].text)
			case len(o) == 2 && o[0] == '-' && len(a.text) > 2 && strings.HasPrefix(a.text, o) && isAddress(a.text[2:]):
				s.fix(line, a)
			default:
				continue
			}
			return true
		}
	}
	return false
}

func (s *Server) fixValue(line string, w word, value string) {
	if strings.Contains(value, "$") {
		s.Command = line
		return
	}
	s.fix(line, w)
}

// isAddress reports whether s is "8000", ":8000" or "localhost:8000".
func isAddress(s string) bool {
	port := s[strings.LastIndexByte(s, ':')+1:]
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil && !strings.ContainsAny(s, "/=")
}

// mentionsPort reports whether a word contains $PORT, ${PORT…} or %PORT%.
func mentionsPort(s string) bool {
	for _, begin := range []string{"$PORT", "${PORT", "%PORT"} {
		if _, rest, ok := strings.Cut(s, begin); ok && (rest == "" || !isNameByte(rest[0])) {
			return true
		}
	}
	return false
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// lookUp finds the dev server that an invocation starts, if its arguments make
// it serve.
func lookUp(inv invocation) (devServer, bool) {
	has := func(words []string) bool {
		return slices.ContainsFunc(inv.args, func(w word) bool { return slices.Contains(words, w.text) })
	}
	for _, d := range devServers {
		if slices.Contains(d.programs, inv.program) && (d.serves == nil || has(d.serves)) && !has(d.not) {
			return d, true
		}
	}
	return devServer{}, false
}

// isKnown reports whether a program is in the table.
func isKnown(program string) bool {
	return slices.ContainsFunc(devServers, func(d devServer) bool { return slices.Contains(d.programs, program) })
}

// baseName returns a program's name: "vite" for "./node_modules/.bin/vite" and
// for "node_modules/vite/bin/vite.js".
func baseName(program string) string {
	if strings.HasPrefix(program, "@") {
		return program
	}
	base := path.Base(program)
	for _, extension := range []string{".js", ".mjs", ".cjs", ".cmd"} {
		base = strings.TrimSuffix(base, extension)
	}
	name, version, _ := strings.Cut(base, "@") // npx serve@14
	if name != "" && version != "" {
		return name
	}
	return base
}
