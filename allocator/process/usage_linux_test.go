package process

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"
)

func TestReadUsage(t *testing.T) {
	before, err := ReadUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if before.Memory < 1<<20 {
		t.Errorf("it uses %d bytes", before.Memory)
	}
	used := make([]byte, 64<<20)
	for end := time.Now().Add(time.Minute); ; {
		for i := range used {
			used[i]++
		}
		now, err := ReadUsage(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now.CPU > before.CPU && now.Memory >= before.Memory+60<<20 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("from %+v to %+v", before, now)
		}
	}
	if _, err := ReadUsage(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no process: %v", err)
	}
}

func TestParseUsage(t *testing.T) {
	for _, text := range []string{"", "1 (a", "1 (a) S 1 2 3"} {
		if u, ok := parseUsage([]byte(text)); ok {
			t.Errorf("%q is %+v", text, u)
		}
	}
}
