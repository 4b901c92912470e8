package main

import (
	"errors"
	"slices"
	"testing"
)

func TestUpdateSpeaksOnlyOfChanges(t *testing.T) {
	refused := errors.New("connection refused")
	mug, kettle := product{"mug", 900}, product{"kettle", 4900}
	var seen view
	for i, poll := range []struct {
		products []product
		err      error
		want     []string
	}{
		{nil, refused, []string{"waiting for catalog: connection refused"}},
		{nil, errors.New("timed out"), nil},
		{[]product{mug}, nil, []string{"catalog is up, products: 1"}},
		{[]product{mug}, nil, nil},
		{[]product{{"mug", 805}, kettle}, nil, []string{"mug: € 8.05, was € 9.00", "kettle: new, € 49.00"}},
		{nil, refused, []string{"waiting for catalog: connection refused"}},
		{nil, refused, nil},
		{[]product{kettle}, nil, []string{"catalog is up, products: 1", "mug: gone"}},
		{nil, nil, []string{"kettle: gone"}},
	} {
		if got := seen.update(poll.products, poll.err); !slices.Equal(got, poll.want) {
			t.Errorf("poll %d: got %q, want %q", i, got, poll.want)
		}
	}
}
