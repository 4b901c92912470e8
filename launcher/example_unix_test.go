//go:build unix

package launcher_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// A program that runs services of its own: app starts once migrate has
// succeeded, and fails.
func ExampleRun() {
	file, err := procfile.Parse("Portfile", []byte(`
[services]
migrate = { command = "echo migrated", port = false, ready = "done" }
app     = { command = "echo running; exit 3", port = false, depends_on = ["migrate"] }
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	file.Dir = "/"
	plan, err := file.Resolve(procfile.Context{Environ: os.Environ()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	out := output.New(os.Stdout, output.Style{}, "migrate", "app")
	err = launcher.Run(ctx, plan, launcher.Options{
		Output: out,
		Notify: func(e launcher.Event) {
			if e, ok := e.(launcher.Ended); ok {
				out.Say(e.Service + " " + e.Exit.String())
			}
		},
	})
	_ = out.Close(ctx) // which writes all output
	var exit *launcher.ExitError
	if errors.As(err, &exit) {
		fmt.Println(exit)
	}
	// Output:
	// migrate  | migrated
	// devports | migrate exited with status 0
	// app      | running
	// devports | app exited with status 3
	// service app failed with status 3
}
