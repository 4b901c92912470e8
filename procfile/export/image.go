package export

import (
	"strings"

	"github.com/devports/devports/procfile"
)

// image is the image that a service declares.
type image struct {
	name    procfile.Text
	inside  func(extra string) int // the port in the container
	volumes []volume
}

// declaredImage returns the image of a service, or its name in a compose file.
func declaredImage(f procfile.File, s procfile.Service) (i image, composed string) {
	d := s.Container
	if d == nil {
		return image{}, ""
	}
	i = image{name: d.Image, inside: func(extra string) int {
		if extra == "" {
			return d.Port
		}
		for _, p := range d.Ports {
			if p.Name == extra {
				return p.Pin
			}
		}
		return 0
	}}
	for _, v := range d.Volumes {
		source, rest, _ := strings.Cut(v.Value, ":")
		target, options, _ := strings.Cut(rest, ":")
		named := !strings.ContainsAny(source, `/\~$`) && source != "."
		if !named && !strings.ContainsAny(source, `\~$`) {
			source = relative(f, f.Absolute(procfile.Text{Value: source, Pos: v.Pos}))
		}
		i.volumes = append(i.volumes, volume{source, target, options, named})
	}
	return i, d.Compose.Value
}
