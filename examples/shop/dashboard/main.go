// Dashboard is the shop's web page. Auth tells it who the customer is and catalog what there is to buy; it finds both
// through URL_AUTH and URL_CATALOG, and shows a page whether they are up or not.
//
//	GET /          the page
//	GET /healthz   200 while the service runs, whatever the other services do
package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows.
type page struct {
	Shop          string
	Customer      struct{ Customer string } // as auth sends it
	Products      []product                 // as catalog sends them
	Auth, Catalog upstream
}

type product struct {
	Name  string
	Cents int
}

func (p product) Price() string { return fmt.Sprintf("€ %d.%02d", p.Cents/100, p.Cents%100) }

// upstream is a service that the page is built from.
type upstream struct {
	Name, URL string
	Err       error // why the last request failed, or nil
}

// get asks the upstream for path and decodes the JSON that it answers into v.
func (u *upstream) get(ctx context.Context, client *http.Client, path, token string, v any) error {
	request, err := http.NewRequestWithContext(ctx, "GET", u.URL+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("not up yet: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(v)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

// run serves until the process is told to end.
func run() error {
	for _, name := range []string{"PORT", "URL_AUTH", "URL_CATALOG"} {
		if os.Getenv(name) == "" {
			return fmt.Errorf("%s is not set: start it with devports up", name)
		}
	}
	handler := newHandler(page{
		Shop:    cmp.Or(os.Getenv("SHOP_NAME"), "Shop"),
		Auth:    upstream{Name: "auth", URL: os.Getenv("URL_AUTH")},
		Catalog: upstream{Name: "catalog", URL: os.Getenv("URL_CATALOG")},
	}, os.Getenv("SHOP_TOKEN"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	listener, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(os.Getenv("BIND"), "127.0.0.1"), os.Getenv("PORT")))
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())

	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}

	// Pages that are being built get two seconds; connections that browsers still hold open then are cut.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		return server.Close()
	}
	return nil
}

// newHandler returns the service's routes. Every request fills a copy of blank; token is the customer's.
func newHandler(blank page, token string) http.Handler {
	client := &http.Client{Timeout: time.Second}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		p := blank
		var both sync.WaitGroup
		both.Go(func() { p.Auth.Err = p.Auth.get(r.Context(), client, "/check", token, &p.Customer) })
		both.Go(func() { p.Catalog.Err = p.Catalog.get(r.Context(), client, "/products", token, &p.Products) })
		both.Wait()

		var text bytes.Buffer // so that a mistake in the template cannot send half a page
		if err := pageTemplate.Execute(&text, p); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Write(text.Bytes())
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}
