package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name, method, header string
		status               int
	}{
		{"right token", "GET", "Bearer sesame", http.StatusOK},
		{"right token, posted", "POST", "Bearer sesame", http.StatusOK},
		{"wrong token", "GET", "Bearer sesam", http.StatusUnauthorized},
		{"no token", "GET", "", http.StatusUnauthorized},
		{"another scheme", "GET", "Basic sesame", http.StatusUnauthorized},
		{"another method", "DELETE", "Bearer sesame", http.StatusMethodNotAllowed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := httptest.NewRequest(tt.method, "/check", nil)
			request.Header.Set("Authorization", tt.header)
			answer := httptest.NewRecorder()
			newHandler("sesame").ServeHTTP(answer, request)
			if answer.Code != tt.status {
				t.Errorf("status %d, want %d", answer.Code, tt.status)
			}
		})
	}
}
