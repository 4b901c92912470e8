package front

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"sync"
)

var (
	//go:embed page.html
	pageText string
	//go:embed style.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// Only the front needs these, but every command would compute them.
var (
	pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageText)) })

	// contentPolicy lets a page use its own style and script, and connect to its
	// own origin.
	contentPolicy = sync.OnceValue(func() string {
		return "default-src 'none'; style-src '" + hash(pageStyle) + "'; script-src '" + hash(pageScript) + "'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	})
)

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// pageState is the response to the script of a page.
type pageState struct {
	Version string   `json:"version"`
	Lines   []string `json:"lines,omitempty"`
}

// version changes whenever a page shows something else than other lines.
func version(content page) string {
	content.Lines = nil
	text, _ := json.Marshal(content)
	return hash(string(text))
}

// The script of a page asks for its state this often, in ms.
const (
	urgentPoll = 250
	slowPoll   = 1000
)

// render writes a page as HTML.
func (p *pages) render(w io.Writer, content page) error {
	poll := slowPoll
	if content.Urgent {
		poll = urgentPoll
	}
	return pageTemplate().Execute(w, struct {
		page
		Version string
		Poll    int
		Home    string
		Style   template.CSS
		Script  template.JS
	}{content, version(content), poll, p.url(Home), template.CSS(pageStyle), template.JS(pageScript)})
}
