package checkout

import "strings"

// config is the part of a git configuration that this package uses: see
// git-config(1).
type config struct {
	bare   bool
	origin string // remote.origin.url
}

// with returns the config with the settings of a second file.
func (c config) with(second config) config {
	if second.origin == "" {
		second.origin = c.origin
	}
	return config{c.bare || second.bare, second.origin}
}

// parseConfig parses a configuration file. It skips lines that git would
// reject, and does not read included files.
func parseConfig(content string) (c config) {
	section := ""
	for content != "" {
		content = strings.TrimLeft(content, " \t\r\n\ufeff")
		if strings.HasPrefix(content, "[") {
			section, content = parseSection(content)
			continue
		}
		var key, value string
		key, value, content = parseVariable(content)
		switch {
		case section == "core" && key == "bare":
			c.bare = isTrue(value)
		case section == "remote.origin" && key == "url" && c.origin == "": // git fetches from the first URL
			c.origin = value
		}
	}
	return c
}

// parseSection parses a header: [core], [remote "origin"] or the deprecated
// form [remote.origin]. Only the quoted name is case-sensitive.
func parseSection(content string) (section, rest string) {
	line, rest, _ := strings.Cut(content, "\n")
	name, quoted, found := strings.Cut(line, `"`)
	if end := strings.Index(line, "]"); !found || end >= 0 && end < len(name) {
		if end < 0 {
			return "", rest
		}
		return strings.ToLower(strings.TrimSpace(line[1:end])), content[end+1:]
	}
	var sub strings.Builder
	for i := 0; i < len(quoted); i++ {
		switch quoted[i] {
		case '\\':
			if i++; i < len(quoted) {
				sub.WriteByte(quoted[i])
			}
		case '"':
			end := strings.Index(quoted[i:], "]")
			if end < 0 {
				return "", rest
			}
			header := strings.ToLower(strings.TrimSpace(name[1:])) + "." + sub.String()
			return header, content[len(name)+1+i+end+1:]
		default:
			sub.WriteByte(quoted[i])
		}
	}
	return "", rest
}

// parseVariable parses "key = value", "key" alone, which is true, or a comment.
func parseVariable(content string) (key, value, rest string) {
	end := strings.IndexAny(content, "=\n#;")
	if end < 0 {
		return strings.ToLower(strings.TrimSpace(content)), "true", ""
	}
	key = strings.ToLower(strings.TrimSpace(content[:end]))
	if content[end] != '=' {
		_, rest, _ = strings.Cut(content[end:], "\n")
		return key, "true", rest
	}
	value, rest = parseValue(content[end+1:])
	return key, value, rest
}

// parseValue parses a value to the end of its line. A backslash at the end
// continues it on the next line.
func parseValue(content string) (value, rest string) {
	var b strings.Builder
	quoted, kept := false, 0 // kept is the length without trailing white space
	content = strings.TrimLeft(content, " \t")
	for i := 0; i < len(content); i++ {
		c := content[i]
		switch {
		case c == '\n':
			return b.String()[:kept], content[i+1:]
		case !quoted && (c == '#' || c == ';'):
			_, rest, _ = strings.Cut(content[i:], "\n")
			return b.String()[:kept], rest
		case c == '"':
			quoted = !quoted
			kept = b.Len()
			continue
		case c == '\\' && i+1 < len(content):
			i++
			if content[i] == '\r' && strings.HasPrefix(content[i:], "\r\n") {
				i++
			}
			if content[i] != '\n' {
				b.WriteByte(escapes(content[i]))
				kept = b.Len()
			}
			continue
		}
		b.WriteByte(c)
		if quoted || c != ' ' && c != '\t' && c != '\r' {
			kept = b.Len()
		}
	}
	return b.String()[:kept], ""
}

// escapes returns the character that a backslash and c represent.
func escapes(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	}
	return c
}

func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}
