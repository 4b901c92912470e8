package diagnosis

import (
	"path"
	"strings"

	"github.com/devports/devports/procfile/shell"
)

// docker finds what a command of Docker lacks. status is its exit status.
func docker(programs []shell.Program, status int, output func() string) Missing {
	for _, program := range programs {
		if path.Base(program.Name) != "docker" && path.Base(program.Name) != "docker-compose" {
			continue
		}
		// The client exits with 125 if it does not know the command.
		if status == 125 && len(program.Args) > 0 && program.Args[0] == "compose" {
			return Missing{What: "docker compose is not installed", Fix: "see https://docs.docker.com/compose/install"}
		}
		if strings.Contains(output(), "Cannot connect to the Docker daemon") {
			return Missing{What: "Docker is not running"}
		}
	}
	return Missing{}
}
