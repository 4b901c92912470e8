package view

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Browser is the command that opens a URL: BROWSER, in which %s stands for the
// URL, or that of the system.
func Browser(url string) []string {
	command := os.Getenv("BROWSER")
	if _, err := exec.LookPath(command); err == nil { // its path may contain spaces
		return []string{command, url}
	}
	if words := strings.Fields(command); len(words) > 0 {
		if !strings.Contains(command, "%s") {
			words = append(words, "%s")
		}
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "%s", url)
		}
		return words
	}
	switch runtime.GOOS {
	case "darwin":
		return []string{"open", url}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", url}
	}
	return []string{"xdg-open", url}
}
