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

// The help topic documents every key, and no other.
func TestTopic(t *testing.T) {
	text, err := os.ReadFile("../cmd/devports/topics/portfile.txt")
	if err != nil {
		t.Fatal(err)
	}
	project, service, found := strings.Cut(string(text), "Keys of a service:")
	_, project, ok := strings.Cut(project, "Keys of the project")
	if !found || !ok {
		t.Fatal("no lists of keys")
	}
	service, step, ok := strings.Cut(service, "Keys of a step in [setup]:")
	if !ok {
		t.Fatal("no list of the keys of steps")
	}
	step, _, _ = strings.Cut(step, "Example:")
	documented := func(list string) (keys []string) {
		for _, m := range regexp.MustCompile(`(?m)^  ([a-z_]+) = `).FindAllStringSubmatch(list, -1) {
			keys = append(keys, m[1])
		}
		slices.Sort(keys)
		return keys
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(projectKeys)), documented(project)); diff != "" {
		t.Errorf("keys of the project, known (-) and documented (+):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(serviceKeys)), documented(service)); diff != "" {
		t.Errorf("keys of a service, known (-) and documented (+):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(stepKeys())), documented(step)); diff != "" {
		t.Errorf("keys of a step, known (-) and documented (+):\n%s", diff)
	}
}

// The help topic lists every server that changes of variables do not restart.
func TestTopicNamesServers(t *testing.T) {
	topic, err := os.ReadFile("../cmd/devports/topics/portfile.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(string(topic)), " ")
	if list := strings.Join(slices.Sorted(maps.Keys(servers)), ", ") + "."; !strings.Contains(words, list) {
		t.Errorf("it does not contain %q", list)
	}
}
