package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

// BenchmarkDecode compares ways to read a registry. Every command reads all of
// it, so encoding/json would be acceptable if it took at most 0.5 ms for 1,000
// leases:
//
//   - tokens reads the tokens one by one with their offsets, the minimum for
//     reporting the line of any bad value and detecting duplicate keys;
//   - leases decodes one value for each lease, with its offset, and does neither;
//   - unmarshal has no offsets at all.
func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{10, 1000, 20000} {
		content := encode(many(n))
		for _, way := range []struct {
			name string
			read func([]byte) (int, error)
		}{
			{"reader", func(content []byte) (int, error) {
				s, err := decode(content)
				return len(s.all()), err
			}},
			{"tokens", countByTokens},
			{"leases", countByLeases},
			{"unmarshal", countByUnmarshal},
		} {
			b.Run(fmt.Sprintf("%s/%d", way.name, n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(content)))
				for b.Loop() {
					if found, err := way.read(content); err != nil || found != n {
						b.Fatalf("%d leases, %v; want %d", found, err, n)
					}
				}
			})
		}
	}
}

func countByTokens(content []byte) (leases int, err error) {
	decoder, offsets := json.NewDecoder(bytes.NewReader(content)), int64(0)
	for {
		token, err := decoder.Token()
		offsets += decoder.InputOffset()
		switch {
		case errors.Is(err, io.EOF):
			return leases, nil
		case err != nil:
			return 0, err
		case token == "port":
			leases++
		}
	}
}

type strictLease struct {
	Name   string    `json:"name"`
	Port   int       `json:"port"`
	Pinned bool      `json:"pinned"`
	Since  time.Time `json:"since"`
}

// countByLeases decodes the elements of the lists one by one.
func countByLeases(content []byte) (leases int, err error) {
	decoder, offsets := json.NewDecoder(bytes.NewReader(content)), int64(0)
	decoder.DisallowUnknownFields()
	for {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return leases, nil
		case err != nil:
			return 0, err
		case token != "leases":
			continue
		}
		if _, err := decoder.Token(); err != nil {
			return 0, err
		}
		for decoder.More() {
			offsets += decoder.InputOffset()
			var l strictLease
			if err := decoder.Decode(&l); err != nil {
				return 0, err
			}
			leases++
		}
	}
}

func countByUnmarshal(content []byte) (leases int, err error) {
	var doc struct {
		Scopes []struct {
			header
			Leases []strictLease
		}
	}
	err = json.Unmarshal(content, &doc)
	for _, s := range doc.Scopes {
		leases += len(s.Leases)
	}
	return leases, err
}
