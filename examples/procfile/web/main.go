// Web greets its visitors and tells them the time, which it asks of the clock: PORT_CLOCK says where that listens.
package main

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	for _, name := range []string{"PORT", "PORT_CLOCK"} {
		if os.Getenv(name) == "" {
			log.Fatalf("web: %s is not set: start it with devports up", name)
		}
	}
	clock := "http://127.0.0.1:" + os.Getenv("PORT_CLOCK")
	http.Handle("GET /{$}", newHandler(cmp.Or(os.Getenv("GREETING"), "Hello"), clock))

	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("PORT")))
	if err != nil {
		log.Fatal("web: ", err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal("web: ", http.Serve(listener, nil))
}

// newHandler returns a page that greets and shows what the clock at that URL says.
func newHandler(greeting, clock string) http.Handler {
	client := &http.Client{Timeout: time.Second}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now, err := ask(client, clock)
		if err != nil {
			fmt.Fprintf(w, "%s! The clock does not answer: %v\nReload the page in a moment.\n", greeting, err)
			return
		}
		fmt.Fprintf(w, "%s! It is %s, says the clock at %s.\n", greeting, now, clock)
	})
}

func ask(client *http.Client, url string) (string, error) {
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	text, err := io.ReadAll(answer.Body)
	return strings.TrimSpace(string(text)), err
}
