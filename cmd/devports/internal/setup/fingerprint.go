package setup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// fingerprint identifies what a step does and what it reads.
type fingerprint struct {
	Definition string `json:"definition"`
	Files      string `json:"files,omitempty"` // a hash of its "when" files: names and content
}

// fingerprintOf returns the fingerprint that a step has now.
func fingerprintOf(step procfile.Process) (fingerprint, error) {
	f := fingerprint{Definition: step.Setup.Definition}
	files, err := watcher.Files(step.Setup.Root, step.Watch)
	if err != nil || len(files) == 0 {
		return f, err
	}
	h := sha256.New()
	for _, name := range files {
		content, err := hashOf(filepath.Join(step.Setup.Root, filepath.FromSlash(name)))
		if err != nil {
			return f, err
		}
		fmt.Fprintf(h, "%q %s\n", name, content)
	}
	f.Files = hex.EncodeToString(h.Sum(nil))
	return f, nil
}

// hashOf returns the hash of a file's content; "" if it is gone.
func hashOf(path string) (string, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// stale returns why a step with the fingerprint now has to run, given what is
// recorded about it; "" if it is up to date.
func stale(step procfile.Process, now fingerprint, r record, known bool) string {
	switch {
	case !known:
		return "it has not run in this checkout"
	case r.Failed != "":
		return "it has failed: " + r.Failed
	case r.Definition != now.Definition:
		return "its definition has changed"
	case r.Files != now.Files:
		return text.Join(step.Watch, "or") + " has changed"
	}
	if gone := missing(step); len(gone) > 0 {
		return strings.Join(gone, ", ") + " is missing"
	}
	return ""
}

// missing returns what a step creates and is not there.
func missing(step procfile.Process) (gone []string) {
	for _, path := range step.Setup.Creates {
		at := path
		if !filepath.IsAbs(at) {
			at = filepath.Join(step.Setup.Root, path)
		}
		if _, err := os.Stat(at); os.IsNotExist(err) {
			gone = append(gone, path)
		}
	}
	return gone
}
