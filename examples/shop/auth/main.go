// Auth tells whether a bearer token is the one that the shop knows.
//
//	GET or POST /check   200 and the customer as JSON, or 401
//	GET /healthz         200 while the service runs
package main

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "auth:", err)
		os.Exit(1)
	}
}

// run serves until the process is told to end.
func run() error {
	port, token := os.Getenv("PORT"), os.Getenv("SHOP_TOKEN")
	if port == "" {
		return errors.New("PORT is not set: start it with devports up")
	}
	if token == "" {
		return errors.New("SHOP_TOKEN is not set: start it with devports up")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	listener, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(os.Getenv("BIND"), "127.0.0.1"), port))
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())

	server := &http.Server{Handler: newHandler(token), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}

	// Requests that are being answered get two seconds; connections that are still open then are cut.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		return server.Close()
	}
	return nil
}

// newHandler returns the service's routes; token is the only one that it accepts.
func newHandler(token string) http.Handler {
	check := func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		// The comparison takes equally long for every wrong token of that length.
		if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(token)) == 0 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="shop"`)
			http.Error(w, "unknown token", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"customer": "Ada"})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /check", check)
	mux.HandleFunc("POST /check", check)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}
