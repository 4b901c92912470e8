package main

import "sync"

// otherCommands are the hints for commands of other tools.
var otherCommands = sync.OnceValue(func() map[string]string {
	return map[string]string{
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
})

// otherOptions are the hints for options of other tools, by command and option.
var otherOptions = sync.OnceValue(func() map[string]string {
	return map[string]string{
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
		"up --build":       "to build before a service starts: build = \"make\" in its table of a Portfile",
		"up --watch":       "up applies edits as you save; to restart when code changes: watch = [\"**/*.go\"] in a Portfile",
		"up --config":      "did you mean -f?",
		"up --detached":    "did you mean -d?",
		"up --background":  "did you mean -d?",
		"up --daemon":      "did you mean -d?",
		"up --only":        "name the services: devports up web worker",
		"up --scale":       "did you mean -m web=2?",
		"up --force":       "to restart what runs: devports restart; to replace a run: devports down, then up",

		"up --abort-on-container-exit": "did you mean --stop-on-exit?",
		"up --exit-on-failure":         "did you mean --stop-on-exit?",
		"up --kill-others":             "did you mean --stop-on-exit?",
		"up --force-recreate":          "to restart what runs: devports restart",

		"down -v":        "down keeps the volumes; to remove those of deleted projects: devports prune --volumes",
		"down --volumes": "down keeps the volumes; to remove those of deleted projects: devports prune --volumes",
		"ps -q":          "for scripts: devports ps --json",

		" -f":     "options follow the command: devports up -f FILE",
		" --file": "options follow the command: devports up -f FILE",
		" -d":     "options follow the command: devports up -d",
		" --dir":  "options follow the command: devports ps --dir DIR",

		"run -e":      "devports reads .env; for other files: env_files = [\".env.dev\"] in a Portfile",
		"logs --tail": "did you mean -n?",
	}
})
