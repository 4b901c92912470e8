package procfile

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator"
)

func TestHosts(t *testing.T) {
	long := strings.Repeat("x", 70)
	for _, tt := range []struct {
		name, file string
		want       map[string]string
	}{
		{"names", "web: a\nMy_App: a\n", map[string]string{"web": "web", "My_App": "my-app"}},
		{"alike", "web: a\n-web: a\n_web-: a\nweb-2: a\n", map[string]string{"web": "web", "-web": "web-3", "_web-": "web-4", "web-2": "web-2"}},
		{"no letter", "_: a\nservice: a\n", map[string]string{"_": "service-2", "service": "service"}},
		{"long", long + ": a\n" + long + "-y: a\n", map[string]string{
			long: strings.Repeat("x", 56) + "-7684a1", long + "-y": strings.Repeat("x", 56) + "-2a8a2b",
		}},
		{"other protocols", "db: mkdir -p .pg && exec postgres -D .pg\ncache: redis-server --port $PORT\nq: docker run --rm -p $PORT:5432 postgres:18\nlog: ./redis-web\nimg: docker run -p $PORT:80 -e DB=postgres shop/web:3\n", map[string]string{
			"log": "log", "img": "img",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("Procfile", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			got := f.hosts()
			if tt.name == "long" { // the hash itself is of no interest
				for name, l := range got {
					if len(l) != maxLabel || !isLabel(l) || len(slices.Compact(slices.Sorted(maps.Values(got)))) != 2 {
						t.Errorf("%s: %s", name, l)
					}
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	f, err := Parse("Portfile", []byte(`
[services]
web = "x"
db = "postgres -p $PORT"
admin-2 = "x"
[services.back]
command = "x"
host = "admin"
replicas = 3
[services.hidden]
command = "x"
host = false
[services.raw]
command = "x"
http = false
[services.pgweb]
command = "postgres"
ready = "http:/"
[services.pg]
command = "postgres"
http = true
[services.worker]
command = "x"
port = false
[services.migrate]
command = "x"
ready = "done"
`))
	if err != nil {
		t.Fatal(err)
	}
	if f, err = f.ExpandReplicas(nil); err != nil {
		t.Fatal(err)
	}
	c := Context{Ports: map[allocator.PortName]int{}, Site: Site{Name: "shop-login", Port: 4777}}
	for i, w := range f.Ports() {
		c.Ports[w.Name] = 1001 + i
	}
	plan, err := f.Resolve(c)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range plan.Services {
		got[p.Service] = strings.ReplaceAll(p.Address, "shop-login.localhost:4777", "-")
		suffix := strings.TrimPrefix(allocator.PortName{Service: p.Service}.Variable(), "PORT_")
		url, hasURL := p.Env.Lookup("URL_" + suffix)
		public, hasPublic := p.Env.Lookup("PUBLIC_URL_" + suffix)
		if hasURL != p.HTTP || hasPublic != p.HTTP || p.HTTP && (public != p.Address || !strings.HasPrefix(url, "http://127.0.0.1:1")) {
			t.Errorf("%s: address %s, URL %s, PUBLIC_URL %s", p.Service, p.Address, url, public)
		}
	}
	if diff := cmp.Diff(map[string]string{
		"web": "http://web.-", "db": "localhost:1005", "admin-2": "http://admin-2.-", "back": "http://admin.-", "back.2": "http://admin-2-2.-",
		"back.3": "http://admin-3.-", "hidden": "http://localhost:1006", "raw": "localhost:1010", "pgweb": "http://pgweb.-", "pg": "http://pg.-",
		"worker": "", "migrate": "localhost:1007",
	}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The user's own [env] sets these variables, an env file and the shell do not.
func TestURLsOverridden(t *testing.T) {
	f := inDirectory(t, map[string]string{
		"Portfile": "[env]\nURL_WEB = \"https://staging\"\nX = \"${PUBLIC_URL_API}\"\n[services]\nweb = \"x\"\napi = \"x\"\n",
		".env":     "URL_API=https://staging\n",
	})
	plan, err := f.Resolve(Context{
		Environ: []string{"PUBLIC_URL_WEB=shell"}, Site: Site{Name: "shop", Port: 80},
		Ports: map[allocator.PortName]int{{Service: "web"}: 1001, {Service: "api"}: 1002},
	})
	if err != nil {
		t.Fatal(err)
	}
	web, _ := plan.Service("web")
	for name, want := range map[string]string{
		"URL_WEB": "https://staging", "URL_API": "http://127.0.0.1:1002", "PUBLIC_URL_WEB": "http://web.shop.localhost:80", "X": "http://api.shop.localhost:80",
	} {
		if got, _ := web.Env.Lookup(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if len(plan.Notes) != 1 || !strings.Contains(plan.Notes.Error(), "URL_API is set here") {
		t.Errorf("notes: %v", plan.Notes)
	}
}

// Neither the URLs of a new service nor those that contain a new port restart
// others by themselves; a new host does.
func TestDiffOfURLs(t *testing.T) {
	resolve := func(text string, site Site, ports map[string]int) Plan {
		f, err := Parse("Portfile", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		c := Context{Ports: map[allocator.PortName]int{}, Site: site}
		for name, port := range ports {
			c.Ports[allocator.PortName{Service: name}] = port
		}
		plan, err := f.Resolve(c)
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	const one, two = "[services]\nweb = \"x\"\n", "[services]\nweb = \"x\"\napi = \"x\"\n"
	ports, site := map[string]int{"web": 1001, "api": 1002}, Site{Name: "shop", Port: 4777}
	for _, tt := range []struct {
		name          string
		before, after Plan
		want          string
	}{
		{"added", resolve(one, Site{}, ports), resolve(two, Site{}, ports), "api added"},
		{"added, named", resolve(one, site, ports), resolve(two, site, ports), "api added"},
		{"removed", resolve(two, site, ports), resolve(one, site, ports), "api removed"},
		{"port", resolve(one, Site{}, ports), resolve(one, Site{}, map[string]int{"web": 1009}), "web changed PORT 1001 → 1009, PORT_WEB 1001 → 1009"},
		{
			"host", resolve(two, site, ports), resolve("[services]\nweb = \"x\"\n[services.api]\ncommand = \"x\"\nhost = \"back\"\n", site, ports),
			"api changed env PUBLIC_URL_API; web changed env PUBLIC_URL_API",
		},
		{"http", resolve(two, site, ports), resolve("[services]\nweb = \"x\"\n[services.api]\ncommand = \"x\"\nhttp = false\n", site, ports), "api adjusted"},
	} {
		var got []string
		for _, c := range Diff(tt.before, tt.after) {
			got = append(got, strings.TrimSpace(c.Service+" "+string(c.Kind)+" "+strings.Join(c.Reasons, ", ")))
		}
		if text := strings.Join(got, "; "); text != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, text, tt.want)
		}
	}
}

func TestHostProblems(t *testing.T) {
	for service, want := range map[string]string{
		`host = true`:                   "host must be a string or false, not a boolean",
		`host = "My_App"`:               `"My_App" is not a valid host`,
		`host = ""`:                     `"" is not a valid host`,
		`host = "a.b"`:                  `"a.b" is not a valid host`,
		`http = "no"`:                   "must be a boolean, not a string",
		"host = \"x\"\nhttp = false":    `host has no effect: service "web" does not use HTTP`,
		"http = true\nport = false":     `service "web" has http = true and port = false`,
		`host_header = "local host"`:    `"local host" is not a valid host`,
		"host_header = \"a\\r\\nB: c\"": "is not a valid host",
		"host = \"api\"\n[services.b]\ncommand = \"x\"\nhost = \"api\"": `service "b" and service "web" on line 2 have the same host "api"`,
	} {
		_, err := Parse("Portfile", []byte("\n[services.web]\ncommand = \"x\"\n"+service+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", service, err, want)
		}
	}
}
