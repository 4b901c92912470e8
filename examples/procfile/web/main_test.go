package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	clock := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "12:34:56") }))
	defer clock.Close()
	broken := httptest.NewServer(http.NotFoundHandler())
	defer broken.Close()

	for url, want := range map[string]string{
		clock.URL:            "Hello! It is 12:34:56, says the clock at " + clock.URL + ".\n",
		broken.URL:           "Hello! The clock does not answer: GET " + broken.URL + ": 404 Not Found\n",
		"http://127.0.0.1:1": "Hello! The clock does not answer: Get ",
	} {
		answer := httptest.NewRecorder()
		newHandler("Hello", url).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
		if got := answer.Body.String(); !strings.HasPrefix(got, want) {
			t.Errorf("clock at %s: got %q, want %q", url, got, want)
		}
	}
}
