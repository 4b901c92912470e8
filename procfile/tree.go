package procfile

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// kind is the type of a TOML value, as error messages print it.
type kind string

const (
	kindString  kind = "a string"
	kindInteger kind = "an integer"
	kindFloat   kind = "a float"
	kindBoolean kind = "a boolean"
	kindTime    kind = "a date or time"
	kindArray   kind = "an array"
	kindTable   kind = "a table"
)

// value is a TOML value and its position. Tables keep the order of the file.
type value struct {
	pos     Position
	kind    kind
	text    string // a string's contents; any other scalar as written
	items   []value
	entries []*entry
	index   map[string]*entry // entries by key
	header  bool              // a table that a [header] declared
	inset   int               // of a string that is in the file as it is: the length of its opening quotes
}

type entry struct {
	key   string
	pos   Position
	value *value
}

func (v *value) find(key string) *entry { return v.index[key] }

// add appends an entry to a table that has none with its key.
func (v *value) add(e *entry) {
	if v.index == nil {
		v.index = map[string]*entry{}
	}
	v.entries, v.index[e.key] = append(v.entries, e), e
}

// tomlTree parses a TOML document into a tree with the position of every key
// and value. go-toml's decoder stops at the first error, and a Portfile reports
// all of them. in is the source of its positions. The tree is more lenient than
// TOML, so tomlTree runs the decoder, too, at the end.
func tomlTree(name string, in *source, src []byte) (*value, Problems) {
	b := treeBuilder{file: name, in: in, src: src, lines: lineStarts(src)}
	root := &value{kind: kindTable, pos: in.at(1, 1)}
	table := root
	b.parser.Reset(src)
	for b.parser.NextExpression() {
		switch e := b.parser.Expression(); e.Kind {
		case unstable.KeyValue:
			b.assign(table, e)
		case unstable.Table:
			table = b.header(root, e, false)
		case unstable.ArrayTable:
			table = b.header(root, e, true)
		}
	}
	if err := b.parser.Error(); err != nil {
		return nil, Problems{explained(src, syntaxProblem(name, src, &b.parser, err))}
	}
	if len(b.problems) == 0 {
		var any map[string]any
		var decode *toml.DecodeError
		if err := toml.Unmarshal(src, &any); errors.As(err, &decode) {
			line, column := decode.Position()
			b.fail(clamp(src, in.at(line, column)), "%s", strings.TrimPrefix(decode.Error(), "toml: "))
		} else if err != nil {
			b.fail(Position{}, "%s", strings.TrimPrefix(err.Error(), "toml: "))
		}
	}
	return root, b.problems
}

func syntaxProblem(name string, src []byte, p *unstable.Parser, err error) Problem {
	problem := Problem{File: name, Position: endOf(src), Text: strings.TrimPrefix(err.Error(), "toml: ")}
	var syntax *unstable.ParserError
	if errors.As(err, &syntax) && len(syntax.Highlight) > 0 {
		start := p.Shape(p.Range(syntax.Highlight)).Start
		problem.Position = clamp(src, Position{Line: start.Line, Column: start.Column})
	}
	return problem
}

type treeBuilder struct {
	file     string
	in       *source // of positions
	src      []byte
	lines    []int // the offset of each line
	parser   unstable.Parser
	problems Problems
}

func (b *treeBuilder) fail(pos Position, format string, args ...any) {
	b.problems = append(b.problems, problemf(b.file, pos, "", format, args...))
}

func (b *treeBuilder) pos(n *unstable.Node) Position {
	offset := int(n.Raw.Offset)
	line, exact := slices.BinarySearch(b.lines, offset)
	if exact {
		line++
	}
	return b.in.at(line, offset-b.lines[line-1]+1)
}

// lineStarts returns the offset of each line. [unstable.Parser.Shape] would
// count the lines from the start of the document on each call.
func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// header declares the table of a [header] and returns it; for an [[array]]
// header a new table at the array's end.
func (b *treeBuilder) header(root *value, n *unstable.Node, array bool) *value {
	table, last, pos := b.descend(root, n.Key())
	at := table.find(last)
	switch {
	case array && at == nil:
		at = &entry{last, pos, &value{kind: kindArray, pos: pos}}
		table.add(at)
		fallthrough
	case array && at.value.kind == kindArray:
		at.value.items = append(at.value.items, value{kind: kindTable, pos: pos})
		return &at.value.items[len(at.value.items)-1]
	case at == nil:
		at = &entry{last, pos, &value{kind: kindTable, pos: pos, header: true}}
		table.add(at)
		return at.value
	case !array && at.value.kind == kindTable && !at.value.header:
		at.value.header = true // [a.b] came before [a]
		return at.value
	}
	b.fail(pos, "%s is already defined on line %d", quote(last), at.pos.Line)
	return &value{kind: kindTable, pos: pos} // the rest is still checked for syntax
}

// assign adds a key and its value to table.
func (b *treeBuilder) assign(table *value, n *unstable.Node) {
	table, last, pos := b.descend(table, n.Key())
	if before := table.find(last); before != nil {
		b.fail(pos, "%s is already defined on line %d", quote(last), before.pos.Line)
		return
	}
	v := b.value(n.Value(), pos)
	table.add(&entry{last, pos, &v})
}

// descend follows a dotted key up to its last part and creates missing tables.
func (b *treeBuilder) descend(table *value, key unstable.Iterator) (_ *value, last string, pos Position) {
	for key.Next() {
		part := string(key.Node().Data)
		pos = b.pos(key.Node())
		if key.IsLast() {
			return table, part, pos
		}
		next := table.find(part)
		switch {
		case next == nil:
			next = &entry{part, pos, &value{kind: kindTable, pos: pos}}
			table.add(next)
			table = next.value
		case next.value.kind == kindTable:
			table = next.value
		case next.value.kind == kindArray && len(next.value.items) > 0 && next.value.items[len(next.value.items)-1].kind == kindTable:
			table = &next.value.items[len(next.value.items)-1]
		default:
			b.fail(pos, "%s is already defined on line %d, as %s", quote(part), next.pos.Line, next.value.kind)
			table = &value{kind: kindTable, pos: pos}
		}
	}
	return table, last, pos
}

// value reads a value. The parser does not record the position of an array, so
// an array has the position of its key.
func (b *treeBuilder) value(n *unstable.Node, key Position) value {
	v := value{pos: b.pos(n), text: string(n.Data)}
	switch n.Kind {
	case unstable.String:
		v.kind, v.inset = kindString, inset(b.src[n.Raw.Offset:], v.text)
	case unstable.Integer:
		v.kind = kindInteger
	case unstable.Float:
		v.kind = kindFloat
	case unstable.Bool:
		v.kind = kindBoolean
	case unstable.Array:
		v.kind, v.pos = kindArray, key
		for it := n.Children(); it.Next(); {
			v.items = append(v.items, b.value(it.Node(), key))
		}
	case unstable.InlineTable:
		v.kind, v.header = kindTable, true
		for it := n.Children(); it.Next(); {
			b.assign(&v, it.Node())
		}
	default:
		v.kind = kindTime
	}
	return v
}

// inset returns the length of the opening quotes of the string at the start of
// src, if its contents stand there as they are, on the same line; else 0.
func inset(src []byte, contents string) int {
	for _, quotes := range []string{`"""`, `'''`, `"`, `'`} {
		if rest, ok := strings.CutPrefix(string(src[:min(len(src), len(quotes)+len(contents))]), quotes); ok {
			if rest == contents {
				return len(quotes)
			}
			return 0
		}
	}
	return 0
}

// integer returns the number of an integer value, in any of TOML's bases and
// with underscores.
func (v *value) integer() (int, bool) {
	n, err := strconv.ParseInt(strings.ReplaceAll(v.text, "_", ""), 0, 0)
	return int(n), err == nil
}

// clamp moves a position beyond the end of a line or of the document to the
// nearest one that an editor can show.
func clamp(src []byte, p Position) Position {
	lines := strings.Split(string(src), "\n")
	p.Line = min(max(p.Line, 1), len(lines))
	p.Column = min(max(p.Column, 1), len(lines[p.Line-1])+1)
	return p
}

// endOf returns the position after the last byte.
func endOf(src []byte) Position {
	last := strings.LastIndexByte(string(src), '\n')
	return Position{Line: 1 + strings.Count(string(src), "\n"), Column: len(src) - last}
}
