package export

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Dockerfile is what an export needs to know of a Dockerfile.
type Dockerfile struct {
	Dir     string // its directory, relative to the Portfile, with slashes: "." or "api"
	Expose  []int  // the TCP ports that it exposes
	Starts  bool   // it has a CMD or an ENTRYPOINT
	Healthy bool   // it has a HEALTHCHECK
}

// ParseDockerfile reads the last stage of a Dockerfile, which the image is.
func ParseDockerfile(src, dir string) Dockerfile {
	d := Dockerfile{Dir: dir}
	for _, line := range instructions(src) {
		name, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch strings.ToUpper(name) {
		case "FROM":
			d = Dockerfile{Dir: dir}
		case "CMD", "ENTRYPOINT":
			var words []string
			d.Starts = rest != "" && (json.Unmarshal([]byte(rest), &words) != nil || len(words) > 0)
		case "HEALTHCHECK":
			d.Healthy = !strings.EqualFold(rest, "NONE")
		case "EXPOSE":
			for word := range strings.FieldsSeq(rest) {
				number, protocol, _ := strings.Cut(word, "/")
				port, err := strconv.Atoi(number)
				if err == nil && port > 0 && port < 1<<16 && !strings.EqualFold(protocol, "udp") && !slices.Contains(d.Expose, port) {
					d.Expose = append(d.Expose, port)
				}
			}
		}
	}
	return d
}

// instructions returns the instructions of a Dockerfile, each on one line,
// without comments. Here-documents look like more instructions, but only those
// of RUN and COPY.
func instructions(src string) []string {
	var list []string
	whole, end := "", ""
	for line := range strings.Lines(src) {
		line = strings.TrimSpace(line)
		switch {
		case end != "":
			if line == end {
				end = ""
			}
			continue
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		}
		if start, more := strings.CutSuffix(line, `\`); more {
			whole += start + " "
			continue
		}
		whole += line
		if _, marker, ok := strings.Cut(whole, "<<"); ok {
			marker = strings.Trim(strings.SplitN(strings.TrimPrefix(marker, "-")+" ", " ", 2)[0], `"'`)
			if marker != "" && strings.Trim(marker, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == "" {
				end = marker
			}
		}
		list = append(list, strings.ReplaceAll(whole, "\t", " "))
		whole = ""
	}
	return append(list, whole)
}
