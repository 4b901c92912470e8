package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Stand-ins for the two services, with the answers that they really give.
var (
	auth = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/check" || r.Header.Get("Authorization") != "Bearer sesame" {
			http.Error(w, "unknown token", http.StatusUnauthorized)
			return
		}
		w.Write([]byte(`{"customer":"Ada"}`))
	})
	catalog = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/products" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(`[{"name":"salt & <pepper>","cents":905}]`))
	})
)

const (
	welcome      = "Welcome back, Ada."
	stranger     = "We cannot tell who you are"
	shelf        = "<td>salt &amp; &lt;pepper&gt;</td><td>€ 9.05</td>"
	emptyShelves = "The shelves are empty"
	up           = `<span class="state up">`
	down         = `<span class="state down">`
)

func TestPage(t *testing.T) {
	tests := []struct {
		name          string
		auth, catalog http.Handler // nil: not up
		token         string
		has, hasNot   []string
	}{
		{"both up", auth, catalog, "sesame", []string{welcome, shelf, up}, []string{down, stranger, emptyShelves}},
		{"auth not up", nil, catalog, "sesame", []string{stranger, shelf, up, down, "<small>not up yet: Get"}, []string{welcome}},
		{"catalog not up", auth, nil, "sesame", []string{welcome, emptyShelves, up, down}, []string{"<table>"}},
		{"neither up", nil, nil, "sesame", []string{stranger, emptyShelves, down}, []string{up}},
		{"wrong token", auth, catalog, "basil", []string{stranger, shelf, "401 Unauthorized"}, []string{welcome}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler := newHandler(page{
				Shop:    "Test Shop",
				Auth:    upstream{Name: "auth", URL: serve(t, tt.auth)},
				Catalog: upstream{Name: "catalog", URL: serve(t, tt.catalog)},
			}, tt.token)
			check(t, get(t, handler), append(tt.has, "<h1>Test Shop</h1>"), tt.hasNot)
		})
	}
}

func TestPageRecovers(t *testing.T) {
	answer := http.HandlerFunc(http.NotFound)
	catalogURL := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	handler := newHandler(page{
		Auth:    upstream{Name: "auth", URL: serve(t, auth)},
		Catalog: upstream{Name: "catalog", URL: catalogURL},
	}, "sesame")
	check(t, get(t, handler), []string{emptyShelves, "404 Not Found"}, nil)
	answer = catalog
	check(t, get(t, handler), []string{shelf}, []string{emptyShelves, down})
}

// serve returns the URL of a server with that handler or, for nil, a URL where nobody listens.
func serve(t *testing.T, handler http.Handler) string {
	if handler == nil {
		return "http://127.0.0.1:1"
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, handler http.Handler) string {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func check(t *testing.T, text string, has, hasNot []string) {
	t.Helper()
	for _, want := range has {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range hasNot {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
