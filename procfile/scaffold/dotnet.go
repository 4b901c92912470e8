package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// dotnet finds the web projects and workers of a .NET solution. An Aspire app
// host starts the others itself.
func dotnet(t tree, dir string) (f findings) {
	if dir != "." {
		return f // the search starts at the solution
	}
	var hosts, webs, workers []string
	t.sources(".", "proj", func(file, text string) bool {
		if !strings.HasSuffix(file, ".csproj") && !strings.HasSuffix(file, ".fsproj") || !printable(file) || strings.Contains(text, "Microsoft.NET.Test.Sdk") || isTestProject(file) {
			return true
		}
		switch {
		case strings.Contains(text, "Aspire.AppHost") || strings.Contains(text, "<IsAspireHost>true"):
			hosts = append(hosts, file)
		case strings.Contains(text, "Microsoft.NET.Sdk.Web"):
			webs = append(webs, file)
		case strings.Contains(text, "Microsoft.NET.Sdk.Worker"):
			workers = append(workers, file)
		}
		return true
	})
	if len(hosts) > 0 {
		s := Service{Origin: hosts[0], Note: ".NET Aspire", Command: "dotnet run --project " + quoteSh(hosts[0]), Ready: "none"}
		s.Remarks = []string{"It starts the other projects of the solution, and chooses their ports."}
		f.add(s, "apphost")
		if others := append(webs, workers...); len(others) > 0 {
			f.leaveOut(strings.Join(few(others, 3, "others"), ", "), "%s starts them", hosts[0])
			for _, o := range others {
				f.visited = append(f.visited, path.Dir(o))
			}
		}
		return f
	}
	for _, file := range webs {
		s := serviceIn(path.Dir(file), path.Base(file))
		s.Note, s.Command = "ASP.NET Core", "dotnet watch run --project "+quoteSh(path.Base(file))+" -- --urls http://127.0.0.1:$PORT"
		f.add(s, dotnetNames(file, len(webs) == 1 && strings.Count(file, "/") < 3)...)
	}
	for _, file := range workers {
		s := serviceIn(path.Dir(file), path.Base(file))
		s.Note, s.Command, s.NoPort, s.Worker = ".NET worker", "dotnet watch run --project "+quoteSh(path.Base(file)), true, true
		f.add(s, dotnetNames(file, false)...)
	}
	return f
}

func isTestProject(file string) bool {
	parts := strings.FieldsFunc(strings.ToLower(path.Dir(file)), func(r rune) bool { return r == '/' || r == '.' })
	return slices.ContainsFunc(parts, func(p string) bool { return strings.HasSuffix(p, "tests") || p == "test" })
}

// camel matches the start of a word in a name such as OrderingApi.
var camel = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`([a-z0-9])([A-Z])`) })

// dotnetNames returns names for the service of a project: "basket-api" for
// Basket.API.
func dotnetNames(file string, only bool) []string {
	base := strings.TrimSuffix(path.Base(file), path.Ext(file))
	name := strings.ToLower(camel().ReplaceAllString(base, "$1-$2"))
	if only {
		return []string{"web", name}
	}
	return []string{strings.ReplaceAll(name, ".", "-")}
}
