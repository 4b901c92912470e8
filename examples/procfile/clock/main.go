// Clock answers every request with the time of day.
package main

import (
	"cmp"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	port := os.Getenv("PORT")
	if port == "" {
		log.Fatal("clock: PORT is not set: start it with devports up")
	}
	format := cmp.Or(os.Getenv("CLOCK_FORMAT"), time.Kitchen)
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, time.Now().Format(format))
	})

	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		log.Fatal("clock: ", err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal("clock: ", http.Serve(listener, nil))
}
