package procfile

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
)

// is reports whether v is of kind k. Any other kind is a problem.
func (d *decoder) is(v *value, k kind) bool {
	if v.kind == k {
		return true
	}
	d.fail(v.pos, d.instead(v, k), "%s must be %s, not %s", d.key, k, v.kind)
	return false
}

func (d *decoder) text(v *value) Text {
	if !d.is(v, kindString) {
		return Text{}
	}
	if strings.ContainsRune(v.text, 0) {
		d.fail(v.pos, "", "%s must not contain a NUL character", d.key)
	}
	return Text{v.text, v.pos}
}

func (d *decoder) texts(v *value) []Text {
	if !d.is(v, kindArray) {
		return nil
	}
	list := make([]Text, 0, len(v.items)) // [] is not nil: it disables the default
	for i := range v.items {
		list = append(list, d.item(&v.items[i]))
	}
	return list
}

// item reads a string in an array.
func (d *decoder) item(v *value) Text {
	defer func(key string) { d.key = key }(d.key)
	d.key = "an item of " + d.key
	return d.text(v)
}

// programs reads base names of programs.
func (d *decoder) programs(v *value) []string {
	var names []string
	for _, t := range d.texts(v) {
		if base := path.Base(t.Value); t.Value == "" || base != t.Value {
			d.fail(t.Pos, quote(base), "outside takes program names without a directory, not %s", quote(t.Value))
			continue
		}
		names = append(names, t.Value)
	}
	return names
}

func (d *decoder) choice(v *value) Choice {
	if d.boolean(v) {
		return Yes
	}
	return No
}

// host reads a label, or false for no name.
func (d *decoder) host(v *value) (host Text, none bool) {
	switch {
	case v.kind == kindBoolean && v.text == "false":
		return Text{}, true
	case v.kind != kindString:
		d.fail(v.pos, `host = "admin", or host = false for no name`, "host must be a string or false, not %s", v.kind)
		return Text{}, false
	}
	t := d.text(v)
	if !isLabel(t.Value) {
		hint := ""
		if t.Value != "" {
			hint = "write " + quote(label(t.Value))
		}
		d.fail(v.pos, hint, "%s is not a valid host: use at most %d lower-case letters, digits and hyphens between them", quote(t.Value), maxLabel)
		return Text{}, false
	}
	return t, false
}

// hostHeader reads a host, with or without a port.
func (d *decoder) hostHeader(v *value) Text {
	t := d.text(v)
	if v.kind == kindString && (t.Value == "" || strings.ContainsFunc(t.Value, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("/\\@?#,", r)
	})) {
		d.fail(v.pos, `write it like "localhost"`, "%s is not a valid host", quote(t.Value))
		return Text{}
	}
	return t
}

func (d *decoder) boolean(v *value) bool { return d.is(v, kindBoolean) && v.text == "true" }

func (d *decoder) number(v *value, low, high int) int {
	if !d.is(v, kindInteger) {
		return low
	}
	n, ok := v.integer()
	if !ok || n < low || n > high {
		d.fail(v.pos, "", "%s must be from %d to %d, not %s", d.key, low, high, v.text)
		return low
	}
	return n
}

// portNumber reads a port; 0 is not a valid port. It accepts decimal numbers
// only, like every other place where devports reads a port.
func (d *decoder) portNumber(v *value) int {
	if !d.is(v, kindInteger) {
		return 0
	}
	port, err := allocator.ParsePort(strings.ReplaceAll(v.text, "_", ""))
	if err != nil {
		d.fail(v.pos, "", "%s: %v", d.key, err)
	}
	return port
}

// restart reads a restart policy.
func (d *decoder) restart(v *value) Restart {
	words := []string{string(RestartNo), string(RestartOnFailure), string(RestartAlways)}
	if v.kind == kindString && slices.Contains(words, v.text) {
		return Restart(v.text)
	}
	got, hint := string(v.kind), "restart = "+quote(string(RestartOnFailure))
	switch {
	case v.kind == kindBoolean:
		got = v.text
		if v.text == "false" {
			hint = "restart = " + quote(string(RestartNo))
		}
	case v.kind == kindString:
		got, hint = quote(v.text), didYouMean(v.text, words)
		if v.text == "unless-stopped" { // docker compose
			hint = "restart = " + quote(string(RestartAlways))
		}
	}
	d.fail(v.pos, hint, "restart must be %s, not %s", alternatives(words), got)
	return RestartNo
}

// alternatives returns `"a", "b" or "c"`.
func alternatives(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return text.Join(quoted, "or")
}

// label reads a project's name, which messages, file names and tables contain.
func (d *decoder) label(v *value) string {
	t := d.text(v)
	if v.kind == kindString && (t.Value == "" || t.Value != strings.TrimSpace(t.Value) || strings.ContainsFunc(t.Value, func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) })) {
		d.fail(v.pos, "", "%q is not a valid project name: no slashes, control characters, or spaces at either end", t.Value)
	}
	return t.Value
}

func (d *decoder) portRange(v *value) allocator.Set {
	if !d.is(v, kindString) {
		return allocator.Set{}
	}
	set, err := allocator.ParseSet(v.text)
	if err != nil {
		d.fail(v.pos, "", "%s: %v", d.key, err)
	}
	return set
}

func (d *decoder) variables(v *value) []Variable {
	if !d.is(v, kindTable) {
		return nil
	}
	var list []Variable
	defer func(key string) { d.key = key }(d.key)
	for _, e := range v.entries {
		d.key = e.key
		if !isVariableName(e.key) {
			d.fail(e.pos, "", "%s is not a valid variable name: use letters, digits and _, not starting with a digit", quote(e.key))
		}
		v := Variable{Name: e.key, Pos: e.value.pos}
		if e.key != "PORT" { // which is a problem whatever its value
			v.Value = d.text(e.value).Value
		}
		list = append(list, v)
	}
	return list
}

// variableNames reads names of variables; a trailing * matches any suffix.
func (d *decoder) variableNames(v *value) []Text {
	list := d.texts(v)
	for _, t := range list {
		if t.Pos.Line > 0 && !isVariableName(strings.TrimSuffix(t.Value, "*")) {
			d.fail(t.Pos, `restart_on = ["DATABASE_URL", "PORT_API"]`, "%s is not a valid variable name", quote(t.Value))
		}
	}
	return list
}

func (d *decoder) command(v *value) Command {
	if v.kind != kindArray {
		if v.kind != kindString {
			d.fail(v.pos, d.key+` = "npm run dev"`, "%s must be a string or an array of strings, not %s", d.key, v.kind)
			return Command{}
		}
		if strings.TrimSpace(v.text) == "" {
			d.fail(v.pos, "", "%s is empty", d.key)
		}
		pos := Position{v.pos.Line, v.pos.Column + v.inset, v.pos.in}
		return Command{Shell: d.text(v).Value, Pos: pos, verbatim: v.inset > 0}
	}
	argv := d.texts(v)
	switch {
	case len(argv) == 0 || v.items[0].kind == kindString && argv[0].Value == "":
		d.fail(v.pos, "", "%s is empty", d.key)
	case isLine(argv[0].Value):
		d.fail(argv[0].Pos, d.key+" = "+asLine(argv), "an array must be a program and its arguments, but %s is a command line", quote(argv[0].Value))
	}
	return Command{Argv: argv}
}

// port reads a service's own port: a number, or false for a worker without one.
func (d *decoder) port(v *value) (has bool, pin int, pos Position) {
	switch {
	case v.kind == kindBoolean && v.text == "false":
		return false, 0, v.pos
	case v.kind == kindBoolean:
		d.fail(v.pos, "remove the line: a service has a port by default", "port must be a number or false, not true")
		return true, 0, v.pos
	case v.kind == kindInteger:
		return true, d.portNumber(v), v.pos
	}
	hint := "port = 3000, or port = false for a worker without a port"
	if pin, ok := mappedPort(v); ok {
		hint = fmt.Sprintf("port = %d", pin)
	}
	d.fail(v.pos, hint, "port must be a number or false, not %s", v.kind)
	return true, 0, v.pos
}

// ports reads a service's extra ports: names, or a table of names and numbers.
func (d *decoder) ports(v *value) []ExtraPort {
	var list []ExtraPort
	switch v.kind {
	case kindArray:
		for i := range v.items {
			if pin, ok := mappedPort(&v.items[i]); ok {
				d.fail(v.items[i].pos, fmt.Sprintf("port = %d pins the port of the service, ports = { metrics = %[1]d } one more", pin),
					"ports lists the names of more ports, not numbers")
				continue
			}
			t := d.item(&v.items[i])
			list = append(list, ExtraPort{Name: t.Value, Pos: t.Pos})
		}
	case kindTable:
		defer func(key string) { d.key = key }(d.key)
		for _, e := range v.entries {
			d.key = e.key
			p := ExtraPort{Name: e.key, Pos: e.pos}
			if e.value.kind != kindBoolean || e.value.text != "true" { // true: any number
				p.Pin = d.portNumber(e.value)
			}
			list = append(list, p)
		}
	default:
		hint := `ports = ["metrics"], or ports = { metrics = 9100 }`
		if pin, ok := mappedPort(v); ok {
			hint = fmt.Sprintf("port = %d", pin)
		}
		d.fail(v.pos, hint, "ports must be an array of names or a table of numbers, not %s", v.kind)
	}
	for i, p := range list {
		if slices.ContainsFunc(list[:i], func(q ExtraPort) bool { return q.Name == p.Name }) {
			d.fail(p.Pos, "", "%s is listed twice", quote(p.Name))
		}
		if !isServiceName(p.Name) {
			d.fail(p.Pos, "", "%s is not a valid port name: use a letter, then letters, digits, - and _", quote(p.Name))
		}
	}
	return list
}

func (d *decoder) duration(v *value) time.Duration {
	if v.kind == kindInteger {
		d.fail(v.pos, fmt.Sprintf("%s = %q", d.key, v.text+"s"), "%s needs a unit", d.key)
		return 0
	}
	if !d.is(v, kindString) {
		return 0
	}
	duration, err := time.ParseDuration(v.text)
	if err != nil || duration < 0 {
		d.fail(v.pos, `write it like "500ms", "5s" or "1m30s"`, "%s: invalid duration %s", d.key, quote(v.text))
	}
	return duration
}

// signals are the names that stop_signal accepts, with or without "SIG".
var signals = []string{"TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL"}

func (d *decoder) signal(v *value) string {
	if !d.is(v, kindString) {
		return signals[0]
	}
	name := strings.TrimPrefix(strings.ToUpper(v.text), "SIG")
	if !slices.Contains(signals, name) {
		d.fail(v.pos, didYouMean(name, signals), "unknown signal %s: use one of %s", quote(v.text), strings.Join(signals, ", "))
	}
	return name
}

// regexpReason returns the reason why a regular expression does not compile, in
// parentheses.
func regexpReason(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%s)", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
}

func (d *decoder) globs(v *value) []Text {
	list := d.texts(v)
	for _, t := range list {
		if _, err := path.Match(strings.TrimPrefix(t.Value, "!"), ""); err != nil || strings.TrimPrefix(t.Value, "!") == "" {
			d.fail(t.Pos, `write it like "**/*.go"`, "invalid pattern %s", quote(t.Value))
		}
	}
	return list
}
