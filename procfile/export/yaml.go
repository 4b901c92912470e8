package export

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/goccy/go-yaml"
)

// text is a string in YAML, in double quotes: the library leaves some strings
// plain that are numbers or keys for other parsers (1e3, =), and writes control
// characters as they are.
type text string

// MarshalYAML returns JSON, which is YAML.
func (t text) MarshalYAML() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(string(t))
	return b.Bytes(), err
}

// texts is a list of strings in YAML.
func texts(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = text(s)
	}
	return all
}

// alias is an alias of an anchor.
type alias string

func (a alias) MarshalYAML() ([]byte, error) { return []byte("*" + string(a)), nil }

// mapping is a mapping in its order.
type mapping = yaml.MapSlice

// add adds a key, unless its value is empty.
func add(m *mapping, key string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case text:
		if v == "" {
			return
		}
	case []any:
		if len(v) == 0 {
			return
		}
	case mapping:
		if len(v) == 0 {
			return
		}
	}
	*m = append(*m, yaml.MapItem{Key: key, Value: value})
}

// encode returns YAML. It panics if the library cannot write strings, numbers,
// lists and mappings.
func encode(v any) string {
	b, err := yaml.MarshalWithOptions(v, yaml.IndentSequence(true))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// commented returns lines as comments.
func commented(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		b.WriteString("# " + line)
	}
	return b.String()
}
