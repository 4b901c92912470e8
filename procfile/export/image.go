package export

import "github.com/devports/devports/procfile"

// image is the image that a service declares.
type image struct {
	name    procfile.Text
	inside  func(extra string) int // the port in the container
	volumes []volume
}

// declaredImage returns the image of a service, or its name in a compose file.
func declaredImage(procfile.Service) (i image, composed string) { return image{}, "" }
