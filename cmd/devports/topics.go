package main

import (
	"embed"
	"slices"
	"strings"
)

// topic is a page of help about something that is no command. Its text starts
// with its title, in a line of its own.
type topic struct{ Name, Title, text string }

//go:embed topics/*.txt
var topicTexts embed.FS

var topics = []topic{readTopic("portfile"), readTopic("environment"), readTopic("registry"), readTopic("json")}

func readTopic(name string) topic {
	text, err := topicTexts.ReadFile("topics/" + name + ".txt")
	if err != nil {
		panic(err) // it is not in this program
	}
	title, _, _ := strings.Cut(string(text), "\n")
	return topic{name, title, string(text)}
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
