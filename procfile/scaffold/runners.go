package scaffold

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// runners returns the services that the file of another process runner
// declares. The first that exists counts.
func runners(t tree) (f findings) {
	for _, r := range []struct {
		files []string
		read  func(t tree, file string, src []byte, f *findings)
	}{
		{[]string{"process-compose.yaml", "process-compose.yml"}, processCompose},
		{[]string{"mprocs.yaml", "mprocs.yml"}, mprocs},
	} {
		for _, file := range t.present(r.files) {
			src, ok := t.read(file)
			switch {
			case !ok:
			case len(f.candidates) > 0:
				f.leaveOut(file, "%s takes precedence", f.candidates[0].Origin)
			default:
				r.read(t, file, src, &f)
			}
		}
	}
	return f
}

// unreadRunners returns the files of runners that init cannot convert, as left
// out.
func unreadRunners(t tree) (f findings) {
	for _, r := range []struct{ file, reason string }{
		{"Tiltfile", "init does not read it: tilt up starts it"},
		{"devenv.nix", "init does not read its processes: devenv up starts them"},
		{"devenv.yaml", "init does not read its processes: devenv up starts them"},
		{"skaffold.yaml", "init does not read it: skaffold dev starts it in a cluster"},
		{"garden.yml", "init does not read it: garden dev starts it"},
		{"ecosystem.config.js", "init does not read it: pm2 start starts it"},
		{"ecosystem.config.cjs", "init does not read it: pm2 start starts it"},
		{".tmuxinator.yml", "init does not read it: tmuxinator starts it"},
		{".hivemind", "init reads only Procfiles: its options are ignored"},
		{".overmind.env", "init reads only its OVERMIND_PROCFILE"},
		{".foreman", "init reads only its procfile"},
	} {
		if t.exists(r.file) && !(r.file == "devenv.yaml" && t.exists("devenv.nix")) {
			f.leaveOut(r.file, "%s", r.reason)
		}
	}
	return f
}

// processCompose reads the processes of process-compose
// (https://f1bonacc1.github.io/process-compose/configuration/).
func processCompose(t tree, file string, src []byte, f *findings) {
	var content struct {
		Environment any
		Processes   yaml.MapSlice
	}
	if err := yaml.Unmarshal(src, &content); err != nil {
		f.leaveOut(file, "cannot parse it: %s", firstLine(err))
		return
	}
	for _, v := range convertEnv(environment(content.Environment), file, f) {
		f.env = append(f.env, Variable{v.Name, v.Value, file + " sets them."})
	}
	for _, item := range content.Processes {
		name := scalar(item.Key)
		body, _ := item.Value.(map[string]any)
		command := strings.TrimSpace(scalar(body["command"]))
		origin := file + ", process " + clean(name)
		switch {
		case !printable(name) || strings.ContainsRune(command, 0) || command == "":
			f.leaveOut(origin, "it has no command")
			continue
		case scalar(body["disabled"]) == "true":
			f.leaveOut(origin, "it is disabled")
			continue
		case strings.Contains(command, "{{"):
			f.leaveOut(origin, "init does not expand its templates")
			continue
		}
		// process-compose replaces ${NAME} itself, and $$ is a dollar.
		s := Service{Origin: file, Part: "process " + name, Command: strings.ReplaceAll(command, "$$", "$")}
		s.Env = convertEnv(environment(body["environment"]), origin, f)
		if dir := scalar(body["working_dir"]); dir != "" {
			if !t.isDir(path.Clean(dir)) || !printable(dir) {
				f.leaveOut(origin, "its directory is not in the project: %s", clean(dir))
				continue
			}
			s.Dir = serviceIn(path.Clean(dir), "").Dir
		}
		s.adopt(PortFlag(s.Command), file)
		s.guessPort(name, s.Command)
		if on, ok := body["depends_on"].(map[string]any); ok {
			s.DependsOn = sortedKeys(on)
		}
		if a, ok := body["availability"].(map[string]any); ok {
			switch restart := scalar(a["restart"]); restart {
			case "on_failure":
				s.Restart = "on-failure"
			case "always":
				s.Restart = "always"
			}
		}
		if probe, ok := body["readiness_probe"].(map[string]any); ok {
			if exec, ok := probe["exec"].(map[string]any); ok && printable(scalar(exec["command"])) {
				s.Ready = "exec:" + strings.ReplaceAll(scalar(exec["command"]), "$$", "$")
			}
			get, _ := probe["http_get"].(map[string]any)
			host := scalar(get["host"])
			if p := scalar(get["path"]); get != nil && (host == "" || host == "localhost" || host == "127.0.0.1") && !s.NoPort && quoteSh("x"+p) == "x"+p {
				s.Ready = "http:/" + strings.TrimLeft(p, "/")
			}
		} else if line := scalar(body["ready_log_line"]); line != "" && printable(line) {
			s.Ready = "log:" + quoteRegexp(line)
		}
		f.add(s, name)
	}
	// A dependency that has to complete is a step.
	for _, item := range content.Processes {
		body, _ := item.Value.(map[string]any)
		on, _ := body["depends_on"].(map[string]any)
		for name, options := range on {
			options, _ := options.(map[string]any)
			if condition := scalar(options["condition"]); condition != "process_completed_successfully" && condition != "process_completed" {
				continue
			}
			for i := range f.candidates {
				if f.candidates[i].names[0] == name {
					f.candidates[i].Ready, f.candidates[i].NoPort, f.candidates[i].Worker = "done", true, false
				}
			}
		}
	}
}

// convertEnv converts variables with the syntax of docker compose, and leaves
// out what a Portfile cannot set.
func convertEnv(env map[string]string, origin string, f *findings) (list []Variable) {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value, ok := composeValue(env[name])
		switch left := origin + ", " + clean(name); {
		case !isVariableName(name) || strings.ContainsRune(value, 0):
			f.leaveOut(left, "its name or value is invalid")
		case isReserved(name):
			f.leaveOut(left, "devports sets it")
		case !ok:
			f.leaveOut(left, "a Portfile cannot express its value")
		default:
			list = append(list, Variable{Name: name, Value: value})
		}
	}
	return list
}

func quoteRegexp(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// mprocs reads the processes of mprocs (https://github.com/pvolok/mprocs).
func mprocs(t tree, file string, src []byte, f *findings) {
	var content struct{ Procs yaml.MapSlice }
	if err := yaml.Unmarshal(src, &content); err != nil {
		f.leaveOut(file, "cannot parse it: %s", firstLine(err))
		return
	}
	for _, item := range content.Procs {
		name := scalar(item.Key)
		origin := file + ", " + clean(name)
		s := Service{Origin: file, Part: name}
		switch body := item.Value.(type) {
		case string:
			s.Command = strings.TrimSpace(body)
		case []any:
			s.Command = shellOf(body)
		case map[string]any:
			if s.Command = strings.TrimSpace(scalar(body["shell"])); s.Command == "" {
				s.Command = shellOf(body["cmd"])
			}
			for name, value := range environment(body["env"]) {
				if isVariableName(name) && !strings.ContainsRune(value, 0) {
					s.Env = append(s.Env, Variable{Name: name, Value: strings.ReplaceAll(value, "$", "$$")})
				}
			}
			slices.SortFunc(s.Env, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
			if scalar(body["autostart"]) == "false" {
				f.leaveOut(origin, "mprocs does not start it automatically (autostart: false)")
				continue
			}
			if dir := strings.TrimPrefix(scalar(body["cwd"]), "<CONFIG_DIR>/"); dir != "" {
				if !t.isDir(path.Clean(dir)) || !printable(dir) {
					f.leaveOut(origin, "its directory is not in the project: %s", clean(dir))
					continue
				}
				s.Dir = serviceIn(path.Clean(dir), "").Dir
			}
			if scalar(body["autorestart"]) == "true" {
				s.Restart = "always"
			}
		}
		if s.Command == "" || strings.ContainsRune(s.Command, 0) || !printable(name) {
			f.leaveOut(origin, "it has no command")
			continue
		}
		s.adopt(PortFlag(s.Command), file)
		s.guessPort(name, s.Command)
		f.add(s, name)
	}
}
