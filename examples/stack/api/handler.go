package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

// note is a row of the table notes.
type note struct {
	ID      int64     `json:"id"`
	Text    string    `json:"text"`
	Written time.Time `json:"written"`
}

// api answers the requests; both clients may be used by many at once.
type api struct {
	db    *pgxpool.Pool
	cache *redis.Client
}

// newHandler returns the service's routes.
func newHandler(db *pgxpool.Pool, cache *redis.Client) http.Handler {
	a := api{db, cache}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", a.notes)
	mux.HandleFunc("POST /notes", a.write)
	mux.HandleFunc("POST /visits", a.visit)
	mux.HandleFunc("GET /healthz", a.health)
	return http.TimeoutHandler(mux, 5*time.Second, "the database or the cache did not answer in time\n")
}

func (a api) notes(w http.ResponseWriter, r *http.Request) {
	// Query's error is found in rows as well.
	rows, _ := a.db.Query(r.Context(), "select id, text, written from notes order by id desc limit 50")
	notes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[note])
	answer(w, http.StatusOK, notes, err)
}

func (a api) write(w http.ResponseWriter, r *http.Request) {
	var n note
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 10_000)).Decode(&n)
	if n.Text = strings.TrimSpace(n.Text); err != nil || n.Text == "" {
		http.Error(w, `want a note: {"text": "…"}`, http.StatusBadRequest)
		return
	}
	err = a.db.QueryRow(r.Context(), "insert into notes (text) values ($1) returning id, written", n.Text).Scan(&n.ID, &n.Written)
	answer(w, http.StatusCreated, n, err)
}

func (a api) visit(w http.ResponseWriter, r *http.Request) {
	n, err := a.cache.Incr(r.Context(), "visits").Result()
	answer(w, http.StatusOK, map[string]int64{"visits": n}, err)
}

func (a api) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	err := a.db.Ping(ctx)
	if err == nil {
		err = a.cache.Ping(ctx).Err()
	}
	answer(w, http.StatusOK, "ok", err)
}

// answer sends v as JSON, or says that a server behind this one has failed.
func answer(w http.ResponseWriter, status int, v any, err error) {
	if err != nil {
		fmt.Println(err)
		http.Error(w, "the database or the cache does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
