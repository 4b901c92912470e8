package holder

import "testing"

func FuzzTable(f *testing.F) {
	f.Add("sl\n 0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 1000 0 4711 1\n")
	f.Add("sl\n 0: 0000000000000000FFFF00000100007F:1F92 0100007F:0 01 0:0 0:0 0 0 0 4713\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseTable(text)
		for _, e := range all {
			if err != nil || !e.local.IsValid() || !e.remote.IsValid() || e.state > 31 {
				t.Errorf("%+v, %v", e, err)
			}
		}
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add(string(request(2, listenStates, 80)))
	f.Add("\x10\x00\x00\x00\x03\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	f.Fuzz(func(t *testing.T, datagram string) {
		all, done, err := parseAnswers([]byte(datagram))
		if err != nil && !done {
			t.Error("an error, and more to come")
		}
		for _, e := range all {
			if !e.local.IsValid() || !e.remote.IsValid() {
				t.Errorf("%+v", e)
			}
		}
	})
}
