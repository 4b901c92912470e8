package main

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
)

func TestProducts(t *testing.T) {
	for discount, wantCents := range map[int]int{0: 1250, 20: 1000, 100: 0} {
		answer := httptest.NewRecorder()
		newHandler(discount).ServeHTTP(answer, httptest.NewRequest("GET", "/products", nil))
		var got []product
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
			t.Fatalf("discount %d: %v in %q", discount, err, answer.Body)
		}
		if len(got) != len(products) || got[0] != (product{"coffee beans", wantCents}) {
			t.Errorf("discount %d: got %v, want the first of %d to cost %d cents", discount, got, len(products), wantCents)
		}
	}
}
