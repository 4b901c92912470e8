package scaffold

import (
	"path"
	"strings"
)

// spring finds Spring Boot and Quarkus applications that Maven or Gradle build.
func spring(t tree, dir string) (f findings) {
	pom := t.text(path.Join(dir, "pom.xml"))
	gradleFile, gradle := "", ""
	for _, file := range []string{"build.gradle", "build.gradle.kts"} {
		if gradle == "" {
			gradleFile, gradle = file, t.text(path.Join(dir, file))
		}
	}
	if strings.Contains(pom, "<module>") {
		return f // its modules are searched one by one
	}
	add := func(file, note, variable, command string) {
		s := serviceIn(dir, file)
		s.Command, s.Note = command, note
		s.Env = []Variable{{Name: variable, Value: "${PORT}"}}
		f.add(s, names(dir, "web")...)
	}
	switch {
	case strings.Contains(pom, "spring-boot-maven-plugin"):
		add("pom.xml", "Spring Boot", "SERVER_PORT", t.wrapper(dir, "mvnw", "mvn")+" spring-boot:run")
	case strings.Contains(pom, "quarkus-maven-plugin"):
		add("pom.xml", "Quarkus", "QUARKUS_HTTP_PORT", t.wrapper(dir, "mvnw", "mvn")+" quarkus:dev")
	case strings.Contains(gradle, "org.springframework.boot") && !strings.Contains(gradle, "apply false"):
		add(gradleFile, "Spring Boot", "SERVER_PORT", t.wrapper(dir, "gradlew", "gradle")+" bootRun")
	}
	return f
}

// wrapper returns the build tool's wrapper script in dir or above it, else the
// tool.
func (t tree) wrapper(dir, script, tool string) string {
	for up := ""; ; up += "../" {
		switch {
		case t.exists(path.Join(dir, script)) && up == "":
			return "./" + script
		case t.exists(path.Join(dir, script)):
			return up + script
		case dir == ".":
			return tool
		}
		dir = path.Dir(dir)
	}
}
