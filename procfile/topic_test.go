package procfile

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTopic has the help topic tell every key, and no other.
func TestTopic(t *testing.T) {
	text, err := os.ReadFile("../cmd/devports/topics/portfile.txt")
	if err != nil {
		t.Fatal(err)
	}
	project, service, found := strings.Cut(string(text), "Keys of a service:")
	_, project, ok := strings.Cut(project, "Keys of the\nproject")
	if !found || !ok {
		t.Fatal("it has no lists of keys")
	}
	told := func(list string) (keys []string) {
		for _, m := range regexp.MustCompile(`(?m)^  ([a-z_]+) = `).FindAllStringSubmatch(list, -1) {
			keys = append(keys, m[1])
		}
		slices.Sort(keys)
		return keys
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(projectKeys)), told(project)); diff != "" {
		t.Errorf("keys of the project, known (-) and told (+):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(serviceKeys)), told(service)); diff != "" {
		t.Errorf("keys of a service, known (-) and told (+):\n%s", diff)
	}
}

// The help topic names every server that is left alone.
func TestTopicNamesServers(t *testing.T) {
	topic, err := os.ReadFile("../cmd/devports/topics/portfile.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(string(topic)), " ")
	if list := strings.Join(slices.Sorted(maps.Keys(servers)), ", ") + "."; !strings.Contains(words, list) {
		t.Errorf("it does not say %q", list)
	}
}
