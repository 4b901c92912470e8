// Worker watches the catalog and says what changes in it. It listens nowhere: the Portfile gives it no port, only the
// catalog's address, CATALOG_URL, and how often to look, POLL_INTERVAL.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// run polls until the process is told to end.
func run() error {
	url := os.Getenv("CATALOG_URL")
	if url == "" {
		return errors.New("CATALOG_URL is not set: start it with devports up")
	}
	interval, err := time.ParseDuration(cmp.Or(os.Getenv("POLL_INTERVAL"), "1s"))
	if err != nil || interval <= 0 {
		return fmt.Errorf("POLL_INTERVAL is %q: want a time like 1s or 500ms", os.Getenv("POLL_INTERVAL"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	fmt.Printf("asking %s for its products every %s\n", url, interval)
	client := &http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var seen view
	for {
		products, err := fetch(ctx, client, url+"/products")
		if ctx.Err() != nil {
			return nil
		}
		for _, line := range seen.update(products, err) {
			fmt.Println(line)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

type product struct {
	Name  string
	Cents int
}

func fetch(ctx context.Context, client *http.Client, url string) (products []product, err error) {
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	err = json.NewDecoder(answer.Body).Decode(&products)
	return products, err
}

// view is what the worker knows of the catalog. The zero value knows nothing.
type view struct {
	state    string         // "", "up" or "down"
	products map[string]int // name to cents, as last seen; nil before the first time
}

// update takes the outcome of one poll and returns the lines worth saying about it: none while nothing changes, so that
// a catalog that is down for an hour costs one line.
func (v *view) update(products []product, err error) (lines []string) {
	if err != nil {
		if v.state != "down" {
			v.state = "down"
			lines = append(lines, fmt.Sprintf("waiting for catalog: %v", err))
		}
		return lines
	}
	if v.state != "up" {
		v.state = "up"
		lines = append(lines, fmt.Sprintf("catalog is up, products: %d", len(products)))
	}
	now := make(map[string]int, len(products))
	for _, p := range products {
		now[p.Name] = p.Cents
		cents, known := v.products[p.Name]
		switch {
		case v.products == nil: // the first look: everything is new
		case !known:
			lines = append(lines, fmt.Sprintf("%s: new, %s", p.Name, euros(p.Cents)))
		case cents != p.Cents:
			lines = append(lines, fmt.Sprintf("%s: %s, was %s", p.Name, euros(p.Cents), euros(cents)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.products)) {
		if _, still := now[name]; !still {
			lines = append(lines, fmt.Sprintf("%s: gone", name))
		}
	}
	v.products = now
	return lines
}

func euros(cents int) string { return fmt.Sprintf("€ %d.%02d", cents/100, cents%100) }
