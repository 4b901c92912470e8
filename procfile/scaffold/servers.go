package scaffold

// devServer is a program that serves HTTP during development.
type devServer struct {
	name     string   // its usual name
	programs []string // base names of its executables
	serves   []string // it serves only with one of these arguments; none: with any
	not      []string // it does not serve with one of these arguments
	flag     string   // sets its port to PORT
	options  []string // options that set its port or address; "" is a plain argument
	reads    bool     // it reads PORT, unless an option sets the port
}

// devServers is taken from the documentation of these programs. A program that
// reads PORT only through an optional file, or only in newer versions, counts
// as one that does not.
var devServers = []devServer{
	// JavaScript
	{name: "Vite", programs: []string{"vite"}, not: []string{"build", "optimize"}, flag: "--port $PORT --strictPort", options: long},
	{name: "Astro", programs: []string{"astro"}, serves: []string{"dev", "preview"}, flag: "--port $PORT", options: long},
	{name: "Angular", programs: []string{"ng"}, serves: []string{"serve", "s", "dev"}, flag: "--port $PORT", options: long},
	{name: "Next.js", programs: []string{"next"}, not: []string{"build", "lint", "export", "info", "telemetry", "typegen"}, flag: "-p $PORT", options: both, reads: true},
	{name: "Nuxt", programs: []string{"nuxt", "nuxi"}, serves: []string{"dev", "preview", "start"}, flag: "--port $PORT", options: both, reads: true},
	{name: "React Router", programs: []string{"react-router"}, serves: []string{"dev"}, flag: "--port $PORT --strictPort", options: long},
	{name: "Remix", programs: []string{"remix"}, serves: []string{"vite:dev"}, flag: "--port $PORT --strictPort", options: long},
	{name: "SvelteKit", programs: []string{"svelte-kit"}, serves: []string{"dev", "preview"}, flag: "--port $PORT", options: both},
	{name: "SolidStart", programs: []string{"vinxi"}, serves: []string{"dev", "start"}, flag: "--port $PORT", options: long, reads: true},
	{name: "Gatsby", programs: []string{"gatsby"}, serves: []string{"develop", "serve"}, flag: "--port $PORT", options: both, reads: true},
	{name: "Create React App", programs: []string{"react-scripts", "react-app-rewired", "craco"}, serves: []string{"start"}, reads: true},
	{name: "Vue CLI", programs: []string{"vue-cli-service"}, serves: []string{"serve"}, flag: "--port $PORT", options: long, reads: true},
	{name: "webpack", programs: []string{"webpack"}, serves: []string{"serve", "server"}, flag: "--port $PORT", options: long},
	{name: "webpack-dev-server", programs: []string{"webpack-dev-server"}, flag: "--port $PORT", options: long},
	{name: "Rspack", programs: []string{"rspack"}, serves: []string{"serve", "dev", "s"}, flag: "--port $PORT", options: long},
	{name: "Rsbuild", programs: []string{"rsbuild"}, serves: []string{"dev", "preview"}, flag: "--port $PORT", options: long},
	{name: "Storybook", programs: []string{"storybook"}, serves: []string{"dev"}, flag: "--port $PORT --exact-port", options: both},
	{name: "Storybook", programs: []string{"start-storybook"}, flag: "--port $PORT", options: both},
	{name: "Expo", programs: []string{"expo"}, serves: []string{"start"}, flag: "--port $PORT", options: both},
	{name: "Metro", programs: []string{"react-native"}, serves: []string{"start"}, flag: "--port $PORT", options: long},
	{name: "Parcel", programs: []string{"parcel"}, not: []string{"build", "watch"}, flag: "--port $PORT", options: both, reads: true},
	{name: "Eleventy", programs: []string{"eleventy", "@11ty/eleventy"}, serves: []string{"--serve"}, flag: "--port=$PORT", options: long},
	{name: "Docusaurus", programs: []string{"docusaurus"}, serves: []string{"start", "serve"}, flag: "--port $PORT", options: both},
	{name: "VitePress", programs: []string{"vitepress"}, serves: []string{"dev", "serve", "preview"}, flag: "--port $PORT", options: long},
	{name: "Wrangler", programs: []string{"wrangler"}, serves: []string{"dev"}, flag: "--port $PORT", options: long},
	{name: "http-server", programs: []string{"http-server"}, flag: "-p $PORT", options: both, reads: true},
	{name: "serve", programs: []string{"serve"}, flag: "-l $PORT", options: []string{"-l", "--listen", "-p", "--port"}, reads: true},
	{name: "json-server", programs: []string{"json-server"}, flag: "--port $PORT", options: both},
	{name: "live-server", programs: []string{"live-server"}, flag: "--port=$PORT", options: long, reads: true},

	// Python
	{name: "Django", programs: []string{"manage.py", "django-admin"}, serves: []string{"runserver", "runserver_plus"}, flag: "$PORT", options: argument},
	{name: "Flask", programs: []string{"flask"}, serves: []string{"run"}, flag: "--port $PORT", options: both},
	{name: "FastAPI", programs: []string{"fastapi"}, serves: []string{"dev", "run"}, flag: "--port $PORT", options: long},
	{name: "Uvicorn", programs: []string{"uvicorn"}, flag: "--port $PORT", options: long},
	{name: "Hypercorn", programs: []string{"hypercorn"}, flag: "--bind 127.0.0.1:$PORT", options: bind},
	{name: "Daphne", programs: []string{"daphne"}, flag: "-p $PORT", options: both},
	{name: "Gunicorn", programs: []string{"gunicorn"}, flag: "-b 127.0.0.1:$PORT", options: bind, reads: true},
	{name: "Waitress", programs: []string{"waitress-serve"}, flag: "--port=$PORT", options: []string{"--port", "--listen"}},
	{name: "Streamlit", programs: []string{"streamlit"}, serves: []string{"run"}, flag: "--server.port $PORT", options: []string{"--server.port"}},
	{name: "Jupyter", programs: []string{"jupyter"}, serves: []string{"lab", "notebook", "server"}, flag: "--port $PORT", options: long},
	{name: "Jupyter", programs: []string{"jupyter-lab", "jupyter-notebook"}, flag: "--port $PORT", options: long},
	{name: "MkDocs", programs: []string{"mkdocs"}, serves: []string{"serve"}, flag: "-a 127.0.0.1:$PORT", options: []string{"-a", "--dev-addr"}},
	{name: "Python's http.server", programs: []string{"http.server"}, flag: "$PORT", options: argument},

	// Ruby, PHP and others
	{name: "Rails", programs: []string{"rails"}, serves: []string{"server", "s"}, flag: "-p $PORT", options: both, reads: true},
	{name: "Puma", programs: []string{"puma"}, flag: "-p $PORT", options: []string{"-p", "--port", "-b", "--bind"}, reads: true},
	{name: "rackup", programs: []string{"rackup"}, flag: "-p $PORT", options: both},
	{name: "Jekyll", programs: []string{"jekyll"}, serves: []string{"serve", "server", "s"}, flag: "--port $PORT", options: []string{"--port", "-P"}},
	{name: "Laravel", programs: []string{"artisan"}, serves: []string{"serve"}, flag: "--port $PORT", options: long},
	{name: "PHP", programs: []string{"php"}, serves: []string{"-S"}, options: []string{"-S"}},
	{name: "Hugo", programs: []string{"hugo"}, serves: []string{"server", "serve"}, flag: "--port $PORT", options: both},
	{name: "Caddy", programs: []string{"caddy"}, serves: []string{"file-server", "respond"}, flag: "--listen :$PORT", options: []string{"--listen", "-l"}},
}

// The most common options.
var (
	long     = []string{"--port"}
	both     = []string{"--port", "-p"}
	bind     = []string{"--bind", "-b"}
	argument = []string{""}
)
