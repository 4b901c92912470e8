package main

import (
	_ "embed"
	"slices"
	"strings"
)

// topic is a page of help that is not about a command. The first line of its
// text is its title.
type topic struct{ Name, Title, text string }

var (
	//go:embed topics/portfile.txt
	portfileTopic string
	//go:embed topics/environment.txt
	environmentTopic string
	//go:embed topics/registry.txt
	registryTopic string
	//go:embed topics/front.txt
	frontTopic string
	//go:embed topics/shared.txt
	sharedTopic string
	//go:embed topics/json.txt
	jsonTopic string
)

var topics = []topic{
	newTopic("portfile", portfileTopic), newTopic("environment", environmentTopic),
	newTopic("registry", registryTopic), newTopic("front", frontTopic), newTopic("shared", sharedTopic),
	newTopic("json", jsonTopic),
}

func newTopic(name, text string) topic {
	title, _, _ := strings.Cut(text, "\n")
	return topic{name, title, text}
}

func topicNamed(name string) (topic, bool) {
	i := slices.IndexFunc(topics, func(t topic) bool { return t.Name == name })
	if i < 0 {
		return topic{}, false
	}
	return topics[i], true
}

func topicNames() (names []string) {
	for _, t := range topics {
		names = append(names, t.Name)
	}
	return names
}
