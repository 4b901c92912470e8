// Catalog lists the shop's products and what they cost today.
//
//	GET /products   the products as JSON, prices in cents
//	GET /healthz    200 while the service runs
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

type product struct {
	Name  string `json:"name"`
	Cents int    `json:"cents"`
}

var products = []product{
	{"coffee beans", 1250},
	{"mug", 900},
	{"paper filters", 350},
	{"kettle", 4900},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "catalog:", err)
		os.Exit(1)
	}
}

// run serves until the process is told to end.
func run() error {
	port := os.Getenv("PORT")
	if port == "" {
		return errors.New("PORT is not set: start it with devports up")
	}
	discount, err := strconv.Atoi(cmp.Or(os.Getenv("DISCOUNT"), "0"))
	if err != nil || discount < 0 || discount > 100 {
		return fmt.Errorf("DISCOUNT is %q: want a number of per cent from 0 to 100", os.Getenv("DISCOUNT"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	listener, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(os.Getenv("BIND"), "127.0.0.1"), port))
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())

	server := &http.Server{Handler: newHandler(discount), ReadHeaderTimeout: 5 * time.Second}
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

// newHandler returns the service's routes; discount, in per cent, is taken off every price.
func newHandler(discount int) http.Handler {
	today := make([]product, len(products))
	for i, p := range products {
		today[i] = product{p.Name, p.Cents * (100 - discount) / 100}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(today)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}
