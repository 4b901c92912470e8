// Hello says which service of which checkout it is, and where that one's api is.
package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
)

func main() {
	greeting := fmt.Sprintf("%s of %s on port %s, where api is on %s\n",
		os.Getenv("DEVPORTS_SERVICE"), cmp.Or(os.Getenv("DEVPORTS_WORKTREE"), "the main checkout"), os.Getenv("PORT"), os.Getenv("PORT_API"))
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, greeting) })
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
	os.Exit(1)
}
