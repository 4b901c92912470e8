package output

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// A line may be written in pieces, at any intervals.
func TestMatchInPieces(t *testing.T) {
	needDeadlines(t)
	for _, test := range []struct {
		pieces []string
		want   bool
	}{
		{[]string{"it is ", "up\n"}, true},
		{[]string{"it \x1b[3", "1mis", " u", "p"}, true},
		{[]string{"it is ", "\nup\n"}, false},
		{[]string{"it\nis ", "not so\nit is ", "up\n"}, true},
	} {
		shown := &paper{}
		m := New(shown, Style{NoPrefix: true})
		r, w := pipe(t)
		s := m.Stream("web")
		matched := s.Match(regexp.MustCompile("^it is up$"))
		go s.Copy(r)
		so := ""
		for _, piece := range test.pieces {
			write(t, w, piece)
			so += piece
			for !strings.HasPrefix(shown.String(), so) { // the unfinished line is shown after PromptDelay
				time.Sleep(time.Millisecond)
			}
		}
		w.Close()
		closeMux(t, m)
		got := false
		select {
		case <-matched:
			got = true
		default:
		}
		if got != test.want {
			t.Errorf("%q: matched %v", test.pieces, got)
		}
	}
}

// A message about a match follows the matching line.
func TestMatchIsWritten(t *testing.T) {
	out := newGate()
	m := New(out, Style{})
	r, w := pipe(t)
	s := m.Stream("web")
	matched := s.Match(regexp.MustCompile("up"))
	go s.Copy(r)
	write(t, w, "it is up\n")
	<-out.entered
	select {
	case <-matched:
		t.Error("matched before the line was written")
	default:
	}
	close(out.open)
	<-matched
	w.Close()
	closeMux(t, m)
}
