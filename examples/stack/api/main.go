// Api keeps notes in PostgreSQL and counts visits in Redis.
//
//	GET  /notes     the latest notes as JSON
//	POST /notes     takes {"text": "…"} and answers with the note
//	POST /visits    counts a visit and answers {"visits": …}
//	GET  /healthz   200 while the database and the cache answer
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

// run serves until the process is told to end.
func run() error {
	for _, name := range []string{"PORT", "DATABASE_URL", "REDIS_URL"} {
		if os.Getenv(name) == "" {
			return fmt.Errorf("%s is not set: start it with devports up", name)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	// Both connect when they are first used, and anew after their server has been restarted.
	db, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer db.Close()
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		return fmt.Errorf("REDIS_URL: %w", err)
	}
	cache := redis.NewClient(options)
	defer cache.Close()

	return serve(ctx, newHandler(db, cache))
}

// serve answers requests on PORT until ctx is done.
func serve(ctx context.Context, handler http.Handler) error {
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

	// Requests that are being answered get two seconds; connections that are still open then are cut.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return nil
}
