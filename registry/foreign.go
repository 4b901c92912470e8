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

// Format is how a file holds names and their ports.
type Format string

const (
	PortFor Format = "port-for" // port-for's /etc/port-for.conf: an ini file with lines "name = 23029" in its section DEFAULT
	Plut    Format = "plut"     // plut's ~/.plutfile: a JSON object of ports by name
	PlutRC  Format = "plutrc"   // ~/.plutrc of plut up to 0.4: lines "export PLUT_NAME=1234", with names in lower case. Only read
	JSON    Format = "json"     // a JSON array of leases with all that is known of them. Only written
	Dotenv  Format = "dotenv"   // lines "PORT_NAME=23029". Only written
)

// Foreign is what a file of another program says.
type Foreign struct {
	Format   Format // PortFor, Plut or PlutRC
	Claims   []Claim
	Problems []Problem // what could not be taken, in the order of the lines
}

// Claim is a port that another program keeps for a name.
type Claim struct {
	Name allocator.PortName
	Port int // 1-65535
	Line int // from 1
}

// Problem says why something in a line could not be taken.
type Problem struct {
	Line   int    // from 1
	Reason string // a clause that quotes what it is about: `"foo" has a bad port: "abc" is not a number: …`
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Reason) }

// ParseForeign reads a file of port-for or plut; which one it is shows in the content. What cannot be taken is a problem and leaves
// the rest as it is: a port that is none, a name that is none here, one that has a port in an earlier line, a line that is nothing.
// Of a Plut file that is no JSON, and of one that is not UTF-8, nothing is taken.
//
// As in port-for itself, the names in its file have no case, here lower, and sections other than DEFAULT do not count.
func ParseForeign(content []byte) Foreign {
	p := parsing{text: string(bytes.TrimPrefix(content, []byte("\ufeff"))), lines: map[allocator.PortName]int{}}
	trimmed := strings.TrimSpace(p.text)
	lines := strings.Split(newlines.Replace(p.text), "\n")
	p.Format = PortFor
	switch at := text.InvalidUTF8(p.text); {
	case at >= 0:
		p.problem(p.lineOf(at), "the file is not valid UTF-8, so nothing was taken from it")
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

// newlines makes the lines of any system end as those of Unix do, as Python reads them.
var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// parsing is a Foreign in the making.
type parsing struct {
	Foreign
	text  string
	lines map[allocator.PortName]int // where each name is
}

func (p *parsing) problem(line int, format string, args ...any) {
	p.Problems = append(p.Problems, Problem{line, fmt.Sprintf(format, args...)})
}

// add takes a claim, unless something is wrong with it.
func (p *parsing) add(line int, name, port string) {
	n, err := ParseName(name)
	number, bad := allocator.ParsePort(port)
	switch earlier, twice := p.lines[n]; {
	case err != nil:
		p.problem(line, "%v", err)
	case bad != nil && len(port) > enough:
		p.problem(line, "%q has the port %s, which is no number from 1 to 65535", name, quote(port))
	case bad != nil:
		p.problem(line, "%q has a bad port: %v", name, bad)
	case twice:
		p.problem(line, "%q has a port already, in line %d", name, earlier)
	default:
		p.lines[n] = line
		p.Claims = append(p.Claims, Claim{n, number, line})
	}
}

// portFor reads lines as Python's configparser does for port-for.
func (p *parsing) portFor(lines []string) {
	counts := true // false in a section other than DEFAULT
	indent := 0    // of the section or option before, which a line that is deeper continues
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
			p.problem(i+1, "%s starts a section, and then goes on", quote(text))
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

func (p *parsing) plutRC(lines []string) {
	for i, line := range lines {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		assignment, found := strings.CutPrefix(text, plutVariable)
		name, port, assigned := strings.Cut(assignment, "=")
		if !found || !assigned {
			p.problem(i+1, "%s is not like %sNAME=1234", quote(text), plutVariable)
			continue
		}
		p.add(i+1, strings.ToLower(name), port) // plut had made them upper-case
	}
}

func (p *parsing) plut() {
	d := json.NewDecoder(strings.NewReader(p.text))
	line, at := 1, 0 // where the key is
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		p.problem(1, "this is JSON, but no object of ports by name")
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

// damaged drops all claims. In a file that is no JSON, those before the mistake may have been cut short as well.
func (p *parsing) damaged(d *json.Decoder, err error) {
	at, what := int(d.InputOffset()), "something follows the JSON object"
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at, what = int(syntax.Offset), "the JSON is damaged: "+syntax.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at, what = len(p.text), "the file ends within the JSON object"
	}
	p.Claims, p.Problems = nil, nil
	p.problem(p.lineOf(at), "%s, so nothing was taken from it", what)
}

// lineOf is the line of a place in the text.
func (p *parsing) lineOf(at int) int { return 1 + strings.Count(p.text[:min(at, len(p.text))], "\n") }

// enough is how many bytes of a file a message quotes.
const enough = 60

// quote quotes text from a file that may be of any kind, so it shortens it.
func quote(text string) string {
	if len(text) <= enough {
		return strconv.Quote(text)
	}
	return strconv.Quote(strings.ToValidUTF8(text[:enough], "")) + "…"
}
