package main

// otherCommands are the hints for commands of other tools.
var otherCommands = map[string]string{
	"status": "did you mean devports ps?",
	"top":    "did you mean devports ps?",
	"list":   "did you mean devports ls (ports) or devports ps (services)?",
	"ports":  "did you mean devports ls?",

	"dev":    "did you mean devports up?",
	"serve":  "did you mean devports up?",
	"launch": "did you mean devports up?",
	"watch":  "did you mean devports up? It applies edits as you save",

	"kill":   "did you mean devports down --kill, or devports stop SERVICE?",
	"quit":   "did you mean devports down?",
	"exit":   "did you mean devports down?",
	"halt":   "did you mean devports down?",
	"reload": "did you mean devports restart?",

	"exec":    "did you mean devports run -s SERVICE -- COMMAND?",
	"shell":   "did you mean devports run -s SERVICE -- sh?",
	"connect": "did you mean devports attach SERVICE?",
	"echo":    "did you mean devports logs -f?",
	"log":     "did you mean devports logs?",
	"tail":    "did you mean devports logs -f?",

	"new":      "did you mean devports init?",
	"create":   "did you mean devports init?",
	"setup":    "did you mean devports init?",
	"validate": "did you mean devports check?",
	"lint":     "did you mean devports check?",
	"config":   "did you mean devports check?",
	"remove":   "did you mean devports rm?",
	"delete":   "did you mean devports rm?",
}

// otherOptions are the hints for options that foreman, overmind, honcho and
// forego have, by command and option.
var otherOptions = map[string]string{
	"up -p":            "each service keeps a port of its own; to choose one: port = 3000 in its table of a Portfile",
	"up --port":        "each service keeps a port of its own; to choose one: port = 3000 in its table of a Portfile",
	"up -P":            "each service keeps a port of its own; devports ls lists them",
	"up -l":            "name the services: devports up web worker",
	"up -e":            "devports reads .env; for other files: env_files = [\".env.dev\"] in a Portfile",
	"up --env":         "devports reads .env; for other files: env_files = [\".env.dev\"] in a Portfile",
	"up -c":            "for several copies: -m web=2; services may end without stopping the others",
	"up --concurrency": "for several copies: -m web=2",
	"up --formation":   "for several copies: -m web=2",
	"up --can-die":     "services may end without stopping the others",
	"up -t":            "to give services more time to stop: stop_timeout = \"10s\" in a Portfile",
	"up -r":            "to restart services that fail: restart = \"on-failure\" in a Portfile",
	"up -D":            "did you mean -d?",
	"up --procfile":    "did you mean -f?",
	"run -e":           "devports reads .env; for other files: env_files = [\".env.dev\"] in a Portfile",
	"logs --tail":      "did you mean -n?",
}
