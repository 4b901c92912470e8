package process

import (
	"os/exec"
	"strings"
	"testing"
)

func TestParseLimits(t *testing.T) {
	const text = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max realtime timeout      4611686018427387905  unlimited            us        
`
	if got := parseLimits([]byte(text)); got != 1<<62|1 {
		t.Errorf("%x", got)
	}
	for _, none := range []string{"", "Max realtime timeout", "Max realtime timeout      unlimited            unlimited            us", "Max realtime timeout 200000 200000 us"} {
		if got := parseLimits([]byte(none)); got != 0 {
			t.Errorf("%q: %x", none, got)
		}
	}
}

func FuzzParseLimits(f *testing.F) {
	f.Add([]byte("Max realtime timeout      4611686018427387905  unlimited            us\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if tag := parseLimits(text); tag != 0 && tag>>62 != 1 {
			t.Errorf("%x", tag)
		}
	})
}

// A process inherits the tag even if it has another environment, session and
// parent.
func TestTagIsInherited(t *testing.T) {
	tag := RunTag("test").Service("web")
	cmd := exec.Command("sh", "-c", "read go; env -i setsid sh -c '(echo $$; exec sleep 1000) & exec sleep 1000'")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if err := tag.Attach(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 16)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(line[:n]), "\n") {
		t.Fatalf("%q", line[:n])
	}
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	var tagged []ID
	for _, pid := range all {
		if got, _ := TagOf(pid); got == tag {
			id, err := Find(pid)
			if err != nil {
				t.Fatal(err)
			}
			tagged = append(tagged, id)
		}
	}
	for _, id := range tagged {
		_ = id.Signal(9)
	}
	if len(tagged) < 2 {
		t.Errorf("only %v", tagged)
	}
}

func TestAttachNone(t *testing.T) {
	before, err := TagOf(0)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Attach(0)
	tag := RunTag("test")
	if err := tag.Attach(0); err != nil {
		t.Fatal(err)
	}
	if got, err := TagOf(0); got != tag || err != nil {
		t.Errorf("%x, %v", got, err)
	}
	if err := Tag(0).Attach(0); err != nil {
		t.Fatal(err)
	}
	if got, err := TagOf(0); got != 0 || err != nil {
		t.Errorf("%x, %v", got, err)
	}
}
