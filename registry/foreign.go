package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
)

// Format is a file format for names and their ports.
type Format string

const (
	PortFor Format = "port-for" // port-for's /etc/port-for.conf: an ini file with lines "name = 23029" in its section DEFAULT
	Plut    Format = "plut"     // plut's ~/.plutfile: a JSON object of ports by name
	PlutRC  Format = "plutrc"   // ~/.plutrc of plut up to 0.4: lines "export PLUT_NAME=1234" for lower-case names. Only read
	Dotenv  Format = "dotenv"   // lines "PORT_NAME=23029". Only written
)

// Foreign is the content of another program's file.
type Foreign struct {
	Format   Format // PortFor, Plut or PlutRC
	Claims   []Claim
	Problems []Problem // lines that could not be imported, in order
}

// Claim is a port that another program has recorded for a name.
type Claim struct {
	Name allocator.PortName
	Port int // 1-65535
	Line int // from 1
}

// Problem is a line that could not be imported.
type Problem struct {
	Line   int    // from 1
	Reason string // a clause: `"foo" has an invalid port: "abc" is not a number: …`
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Reason) }

// ParseForeign parses a file of port-for or plut, and detects its format. An
// invalid port, name or line, or a name that an earlier line has, is a problem,
// and the other lines still count. A Plut file that is not valid JSON, and a
// file that is not UTF-8, have no claims.
//
// As in port-for itself, names in its file are case-insensitive, here
// lower-case, and sections other than DEFAULT are ignored.
func ParseForeign(content []byte) Foreign {
	p := foreignParser{text: string(bytes.TrimPrefix(content, []byte("\ufeff"))), lines: map[allocator.PortName]int{}}
	trimmed := strings.TrimSpace(p.text)
	lines := strings.Split(newlines.Replace(p.text), "\n")
	p.Format = PortFor
	switch at := text.InvalidUTF8(p.text); {
	case at >= 0:
		p.problem(p.lineOf(at), "the file is not valid UTF-8, so nothing was imported")
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "[") && json.Valid([]byte(trimmed)):
		p.Format = Plut
		p.plut()
	case slices.ContainsFunc(lines, isPlutRC):
		p.Format = PlutRC
		p.plutRC(lines)
	default:
		p.portFor(lines)
	}
	return p.Foreign
}

// newlines converts all line endings to "\n", as Python does.
var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// foreignParser is the state of ParseForeign.
type foreignParser struct {
	Foreign
	text  string
	lines map[allocator.PortName]int // the line of each name
}

func (p *foreignParser) problem(line int, format string, args ...any) {
	p.Problems = append(p.Problems, Problem{line, fmt.Sprintf(format, args...)})
}

// add adds a claim, unless it is invalid.
func (p *foreignParser) add(line int, name, port string) {
	n, err := ParseName(name)
	number, bad := allocator.ParsePort(port)
	switch earlier, twice := p.lines[n]; {
	case err != nil:
		p.problem(line, "%v", err)
	case bad != nil && len(port) > maxQuote:
		p.problem(line, "%q has the port %s, which is not a number from 1 to 65535", name, quote(port))
	case bad != nil:
		p.problem(line, "%q has an invalid port: %v", name, bad)
	case twice:
		p.problem(line, "%q already has a port, on line %d", name, earlier)
	default:
		p.lines[n] = line
		p.Claims = append(p.Claims, Claim{n, number, line})
	}
}

// portFor parses lines like Python's configparser, which port-for uses.
func (p *foreignParser) portFor(lines []string) {
	counts := true // false in a section other than DEFAULT
	indent := 0    // of the previous section or option; a deeper line continues it
	var option struct {
		line       int // 0 for none
		name, port string
	}
	end := func() {
		if option.line > 0 && counts {
			p.add(option.line, option.name, option.port)
		}
		option.line = 0
	}
	for i, line := range lines {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		deep := strings.Index(line, text)
		if option.line > 0 && deep > indent {
			option.port += "\n" + text
			if counts {
				p.problem(i+1, "%s is indented, so it continues line %d", quote(text), option.line)
			}
			continue
		}
		end()
		indent = deep
		header, rest, section := strings.Cut(text, "]")
		section = section && len(header) > 1 && header[0] == '['
		separator := strings.IndexAny(text, "=:")
		switch {
		case section && rest == "":
			counts = header == "[DEFAULT"
		case section:
			p.problem(i+1, "%s has text after its section header", quote(text))
		case separator >= 0:
			option.line = i + 1
			option.name, option.port = strings.ToLower(strings.TrimSpace(text[:separator])), strings.TrimSpace(text[separator+1:])
		case counts:
			p.problem(i+1, "%s is neither a name with a port nor a comment", quote(text))
		}
	}
	end()
	slices.SortStableFunc(p.Problems, func(a, b Problem) int { return a.Line - b.Line })
}

const plutVariable = "export PLUT_"

func isPlutRC(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), plutVariable) }

func (p *foreignParser) plutRC(lines []string) {
	for i, line := range lines {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		assignment, found := strings.CutPrefix(text, plutVariable)
		name, port, assigned := strings.Cut(assignment, "=")
		if !found || !assigned {
			p.problem(i+1, "expected %sNAME=1234, found %s", plutVariable, quote(text))
			continue
		}
		p.add(i+1, strings.ToLower(name), port) // plut converted names to upper case
	}
}

func (p *foreignParser) plut() {
	d := json.NewDecoder(strings.NewReader(p.text))
	line, at := 1, 0 // where the key is
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		p.problem(1, "expected a JSON object of ports by name")
		return
	}
	for d.More() {
		key, err := d.Token()
		end := int(d.InputOffset())
		line, at = line+strings.Count(p.text[at:end], "\n"), end
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		name, isName := key.(string)
		if err != nil || !isName {
			p.damaged(d, err)
			return
		}
		p.add(line, name, string(value))
	}
	if _, err := d.Token(); err != nil {
		p.damaged(d, err)
		return
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		p.damaged(d, err)
	}
}

// damaged drops all claims: in invalid JSON, those before the error may be
// wrong, too.
func (p *foreignParser) damaged(d *json.Decoder, err error) {
	at, reason := int(d.InputOffset()), "unexpected text after the JSON object"
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at, reason = int(syntax.Offset), "invalid JSON: "+syntax.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at, reason = len(p.text), "the file ends inside the JSON object"
	}
	p.Claims, p.Problems = nil, nil
	p.problem(p.lineOf(at), "%s, so nothing was imported", reason)
}

// lineOf returns the line of an offset in the text.
func (p *foreignParser) lineOf(at int) int {
	return 1 + strings.Count(p.text[:min(at, len(p.text))], "\n")
}

// maxQuote is the maximum number of bytes of a file in a message.
const maxQuote = 60

// quote quotes and shortens text from a file, which may be anything.
func quote(text string) string {
	if len(text) <= maxQuote {
		return strconv.Quote(text)
	}
	return strconv.Quote(strings.ToValidUTF8(text[:maxQuote], "")) + "…"
}
