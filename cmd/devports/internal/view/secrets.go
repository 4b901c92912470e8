package view

import (
	"regexp"
	"strings"
	"sync"
)

// secretName matches the names of variables that are likely to hold a secret.
var secretName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)passw|passphrase|secret|token|credential|private|cookie|authorization|bearer|signature|apikey|accesskey|` +
		`(^|_)(pass|pw|pwd|key|keys|jwt|salt|dsn|sas|pat|auth)(_|$)`)
})

// password matches the password in a URL.
var password = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(://[^:/?#@\s]*:)[^@/\s]+@`) })

// mask stands for a secret; its length says nothing.
const mask = "••••••"

// masked returns the value of a variable without secrets.
func masked(name, value string) string {
	harmless := value == "" || strings.HasPrefix(name, "PORT_") || name == "PORT" || name == "PWD" || strings.HasSuffix(name, "_SOCK")
	if !harmless && secretName().MatchString(name) {
		return mask
	}
	return password().ReplaceAllString(value, "${1}"+mask+"@")
}
