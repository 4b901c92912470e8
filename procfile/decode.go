package procfile

import "github.com/pelletier/go-toml/v2"

// DecodeTOML reads any TOML document into a value, by the names in its `toml`
// tags; keys that it has no field for are passed over.
func DecodeTOML(src []byte, into any) error { return toml.Unmarshal(src, into) }
