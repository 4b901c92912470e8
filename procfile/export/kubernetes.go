package export

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/devports/devports/procfile"
)

// Kubernetes returns manifests: for each service a Deployment, a StatefulSet if
// it has volumes, or a Job if it ends; a Service for its ports; and a ConfigMap
// for the variables that all share.
func Kubernetes(in Input) Result {
	public := false
	c := newContainers(in, serviceLabel, func(p published) value {
		public = true
		return value{{text: fmt.Sprintf("http://%s:%d", serviceLabel(p.Service), p.inside)}}
	})
	k := kubernetes{containers: c, config: in.Project + "-environment", secret: in.Project + "-secret"}
	var documents []string
	if len(c.shared) > 0 && len(c.list) > 0 {
		var data mapping
		for _, e := range c.shared {
			if strings.HasPrefix(e.name, "PUBLIC_URL_") && !declares(in.File.Env, e.name) {
				continue
			}
			if v, ok := k.literal(e); ok {
				data = append(data, yaml.MapItem{Key: e.name, Value: text(v)})
			} else {
				k.rest = append(k.rest, e)
			}
		}
		documents = append(documents, encode(k.object("v1", "ConfigMap", k.config, nil, mapping{{Key: "data", Value: data}})))
	}
	for _, n := range c.list {
		if len(n.ports) > 0 {
			documents = append(documents, encode(k.service(n)))
		}
		documents = append(documents, encode(k.workload(n)))
	}
	k.differences(public)
	text := c.lost.header(Mark[2:] + in.File.Name + " by devports export --format kubernetes.")
	for i, d := range documents {
		text += "\n"
		if i > 0 {
			text = strings.TrimSuffix(text, "\n") + "---\n"
		}
		text += d
	}
	return Result{[]File{{"kubernetes.yaml", text}}, c.lost.list, len(c.list) == 0}
}

type kubernetes struct {
	*containers
	config string  // the name of the ConfigMap
	secret string  // the name of the Secret, which the user makes
	rest   []entry // shared variables that need the Secret
}

// object returns an object of the API.
func (k *kubernetes) object(version, kind, name string, labels mapping, rest mapping) mapping {
	all := append(mapping{}, labels...)
	all = append(all, yaml.MapItem{Key: "app.kubernetes.io/part-of", Value: text(k.in.Project)})
	return append(mapping{
		{Key: "apiVersion", Value: version},
		{Key: "kind", Value: kind},
		{Key: "metadata", Value: mapping{{Key: "name", Value: text(name)}, {Key: "labels", Value: all}}},
	}, rest...)
}

func (n *container) labels() mapping {
	return mapping{{Key: "app.kubernetes.io/name", Value: text(n.name)}}
}

// service returns the Service of a container's ports.
func (k *kubernetes) service(n *container) mapping {
	var ports []any
	for i, p := range n.ports {
		ports = append(ports, mapping{{Key: "name", Value: text(portName(p, i))}, {Key: "port", Value: p.inside}, {Key: "targetPort", Value: p.inside}})
	}
	return k.object("v1", "Service", n.name, n.labels(), mapping{{Key: "spec", Value: mapping{
		{Key: "selector", Value: n.labels()},
		{Key: "ports", Value: ports},
	}}})
}

// portName returns a name of at most 15 characters, unique in its service.
func portName(p published, i int) string {
	if p.Port == "" {
		return "main"
	}
	name := strings.Trim(dnsLabel(p.Port), "-")
	if name == "main" || len(name) > 15 {
		name = strings.TrimRight(name[:min(len(name), 11)], "-") + "-" + strconv.Itoa(i)
	}
	return name
}

// workload returns the object that runs a container.
func (k *kubernetes) workload(n *container) mapping {
	s := n.service
	pod := mapping{}
	if n.check.Kind == procfile.Done {
		policy := "Never"
		if s.Restart != procfile.RestartNo {
			policy = "OnFailure"
		}
		add(&pod, "restartPolicy", text(policy))
	}
	if grace := int(math.Ceil(s.StopTimeout.Seconds())); grace != 30 {
		add(&pod, "terminationGracePeriodSeconds", grace)
	}
	add(&pod, "enableServiceLinks", false) // API_PORT=tcp://… would be in the way of the programs' own variables
	pod = append(pod, yaml.MapItem{Key: "containers", Value: []any{k.container(n)}})
	template := mapping{
		{Key: "metadata", Value: mapping{{Key: "labels", Value: append(n.labels(), yaml.MapItem{Key: "app.kubernetes.io/part-of", Value: text(k.in.Project)})}}},
		{Key: "spec", Value: pod},
	}
	if n.check.Kind == procfile.Done {
		spec := mapping{}
		if optional(k.in.File, s) {
			add(&spec, "suspend", true)
			k.lost.add(s.Pos, "to run it: kubectl patch job/"+n.name+` -p '{"spec":{"suspend":false}}'`, "%s: autostart = false: the Job is suspended", s.Name)
		}
		if s.Restart == procfile.RestartNo {
			add(&spec, "backoffLimit", 0)
		}
		return k.object("batch/v1", "Job", n.name, n.labels(), mapping{{Key: "spec", Value: append(spec, yaml.MapItem{Key: "template", Value: template})}})
	}
	replicas := max(s.Replicas, 1)
	spec := mapping{
		{Key: "replicas", Value: replicas},
		{Key: "selector", Value: mapping{{Key: "matchLabels", Value: n.labels()}}},
		{Key: "template", Value: template},
	}
	var claims []any
	for _, v := range n.volumes {
		if v.named {
			claims = append(claims, mapping{
				{Key: "metadata", Value: mapping{{Key: "name", Value: text(dnsLabel(v.source))}}},
				{Key: "spec", Value: mapping{
					{Key: "accessModes", Value: []any{text("ReadWriteOnce")}},
					{Key: "resources", Value: mapping{{Key: "requests", Value: mapping{{Key: "storage", Value: text("1Gi")}}}}},
				}},
			})
		}
	}
	kind := "Deployment"
	if claims != nil {
		kind = "StatefulSet"
	}
	if optional(k.in.File, s) {
		spec[0].Value = 0
		k.lost.add(s.Pos, fmt.Sprintf("to start it: kubectl scale %s/%s --replicas=%d", strings.ToLower(kind), n.name, replicas), "%s: autostart = false: it has no replicas yet", s.Name)
	}
	if claims == nil {
		return k.object("apps/v1", kind, n.name, n.labels(), mapping{{Key: "spec", Value: spec}})
	}
	spec = append(mapping{{Key: "serviceName", Value: text(n.name)}}, spec...)
	spec = append(spec, yaml.MapItem{Key: "volumeClaimTemplates", Value: claims})
	return k.object("apps/v1", kind, n.name, n.labels(), mapping{{Key: "spec", Value: spec}})
}

// container returns the container of a pod.
func (k *kubernetes) container(n *container) mapping {
	m := mapping{{Key: "name", Value: text(n.name)}}
	var image string
	if n.build == nil {
		image = k.image(n)
	} else {
		image = k.in.Project + "-" + n.name
		k.lost.add(n.service.Pos, "docker build -t "+image+" "+relative(k.in.File, n.build.Dir), "service %s needs the image %s where the cluster finds it", n.service.Name, image)
	}
	add(&m, "image", text(image))
	if n.build != nil {
		add(&m, "imagePullPolicy", text("IfNotPresent"))
	}
	env, secrets := k.env(n)
	add(&m, "args", rendered(n.command, func(v value) string { return kubernetesValue(k.defaults(v, n.service.Command.Pos)) }))
	var from []any
	if n.build != nil && len(k.shared) > 0 {
		from = append(from, mapping{{Key: "configMapRef", Value: mapping{{Key: "name", Value: text(k.config)}}}})
	}
	if len(n.files) > 0 {
		from = append(from, mapping{{Key: "secretRef", Value: mapping{{Key: "name", Value: text(k.secret)}, {Key: "optional", Value: true}}}})
		if n.build != nil && len(k.shared) > 0 { // the file comes first: later ones win
			from[0], from[1] = from[1], from[0]
		}
		for _, f := range n.files {
			k.lost.add(n.service.Pos, "kubectl create secret generic "+k.secret+" --from-env-file="+f, "service %s reads %s from the Secret %s", n.service.Name, f, k.secret)
		}
	}
	add(&m, "envFrom", from)
	add(&m, "env", append(secrets, env...))
	var ports, mounts []any
	for i, p := range n.ports {
		ports = append(ports, mapping{{Key: "name", Value: text(portName(p, i))}, {Key: "containerPort", Value: p.inside}})
	}
	add(&m, "ports", ports)
	for _, v := range n.volumes {
		if !v.named {
			k.lost.add(n.service.Pos, "make a ConfigMap of it", "service %s does not get %s, which is a path on this machine", n.service.Name, v.source)
			continue
		}
		mount := mapping{{Key: "name", Value: text(dnsLabel(v.source))}, {Key: "mountPath", Value: text(v.target)}}
		if v.options == "ro" {
			add(&mount, "readOnly", true)
		}
		mounts = append(mounts, mount)
	}
	add(&m, "volumeMounts", mounts)
	add(&m, "readinessProbe", k.probe(n))
	return m
}

// image returns the name of the image of a container that is not built.
func (k *kubernetes) image(n *container) string {
	pos := n.service.Container.Image.Pos
	image := k.defaults(n.image, pos)
	for _, p := range image {
		if p.name != "" {
			k.lost.add(pos, "write its value in the manifest, or give it a default: ${"+p.name+":-…}",
				"the image of %s needs %s: a manifest does not read the environment of the shell", n.service.Name, p.name)
		}
	}
	return composeValue(image)
}

// env returns the variables of a container, and before them those that they
// use, which are in the Secret.
func (k *kubernetes) env(n *container) (env, secrets []any) {
	entries := n.env
	if n.build != nil {
		entries = append(append([]entry{}, k.rest...), entries...)
	}
	used := map[string]bool{}
	refer := func(v value, pos procfile.Position) value {
		v = k.defaults(v, pos)
		for _, p := range v {
			if p.name == "" || used[p.name] {
				continue
			}
			used[p.name] = true
			k.lost.add(pos, "kubectl create secret generic "+k.secret+" --from-literal="+p.name+"=…", "%s comes from the Secret %s", p.name, k.secret)
			secrets = append(secrets, mapping{{Key: "name", Value: text(p.name)}, {Key: "valueFrom", Value: mapping{{Key: "secretKeyRef", Value: mapping{
				{Key: "name", Value: text(k.secret)}, {Key: "key", Value: text(p.name)}, {Key: "optional", Value: true},
			}}}}})
		}
		return v
	}
	for _, w := range n.command {
		refer(w, n.service.Command.Pos)
	}
	for _, e := range entries {
		v := refer(e.value, e.pos)
		if len(v) == 1 && v[0].name == e.name {
			continue // it is the variable of the Secret
		}
		env = append(env, mapping{{Key: "name", Value: text(e.name)}, {Key: "value", Value: text(kubernetesValue(v))}})
	}
	return env, secrets
}

// defaults replaces the variables of a value that have a default by it:
// Kubernetes has none.
func (k *kubernetes) defaults(v value, pos procfile.Position) value {
	var all value
	for _, p := range v {
		switch p.operator {
		case ":-":
			k.lost.add(pos, "", "%s has its default: a manifest does not read the environment of the shell", p.name)
			all = append(all, k.defaults(p.word, pos)...)
		case ":+":
			k.lost.add(pos, "", "%s is treated as empty: a manifest does not read the environment of the shell", p.name)
		default:
			all = append(all, p)
		}
	}
	return all
}

// literal returns the text of a value without variables.
func (k *kubernetes) literal(e entry) (string, bool) { return k.defaults(e.value, e.pos).known() }

// kubernetesValue returns a value in which $(NAME) is a variable, and $$ a
// dollar.
func kubernetesValue(v value) string {
	var b strings.Builder
	for _, p := range v {
		if p.name == "" {
			b.WriteString(strings.ReplaceAll(p.text, "$", "$$"))
		} else {
			b.WriteString("$(" + p.name + ")")
		}
	}
	return b.String()
}

// probe returns the readiness probe of a container.
func (k *kubernetes) probe(n *container) mapping {
	var m mapping
	switch n.check.Kind {
	case procfile.TCP:
		add(&m, "tcpSocket", mapping{{Key: "port", Value: n.ports[0].inside}})
	case procfile.HTTP:
		add(&m, "httpGet", mapping{{Key: "path", Value: text(n.check.Arg)}, {Key: "port", Value: n.ports[0].inside}})
	case procfile.Exec:
		add(&m, "exec", mapping{{Key: "command", Value: texts([]string{"sh", "-c", n.check.Arg})}})
	default:
		return nil
	}
	add(&m, "periodSeconds", 2)
	add(&m, "timeoutSeconds", 5)
	return m
}

// differences notes what Kubernetes does not do.
func (k *kubernetes) differences(public bool) {
	var all []procfile.Service
	for _, n := range k.list {
		all = append(all, n.service)
	}
	k.lost.services(filter(all, func(s procfile.Service) bool { return waits(k.in.File, s) }), "",
		"depends_on: Kubernetes starts everything at once, so a service has to retry until its dependencies are ready")
	k.lost.services(filter(all, func(s procfile.Service) bool { return s.StopSignal != "TERM" }), "set STOPSIGNAL in the Dockerfile",
		"stop_signal: Kubernetes sends the stop signal of the image")
	k.lost.services(filter(all, func(s procfile.Service) bool {
		p, _ := k.in.Plan.Service(s.Name)
		return s.Restart != procfile.RestartAlways && p.Ready.Kind != procfile.Done
	}), "", "restart: Kubernetes restarts whatever ends")
	if groups := k.in.File.Groups; len(groups) > 0 {
		k.lost.add(groups[0].Pos, "", "groups: Kubernetes has none")
	}
	for _, n := range k.list {
		if n.check.Kind == procfile.Exec {
			_, programs := n.checkCommand()
			k.lost.add(n.service.ReadyPos, "", "the readiness probe of %s needs sh and %s in the image", n.service.Name, programs)
		}
		if strings.ToLower(n.service.Name) != n.name {
			k.lost.add(n.service.Pos, "", "service %s is called %s", n.service.Name, n.name)
		}
	}
	if public {
		k.lost.add(procfile.Position{}, "add an Ingress", "PUBLIC_URL_<NAME>: no browser can reach a service")
	}
}

// serviceLabel returns the name of a service as a label of a host name. No two
// services have the same: their variables would be the same, too.
func serviceLabel(name string) string { return dnsLabel(procfile.ReplicaOf(name)) }

// dnsLabel returns a name as a label of a host name that starts with a letter,
// which the names of Services need (RFC 1035). A part that had to be replaced
// or cut leaves a hash of the name, so that others do not get the same label.
func dnsLabel(name string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	label := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name)
	if label = strings.Trim(label, "-"); label == "" || label[0] < 'a' {
		label = strings.TrimRight("svc-"+label, "-")
	}
	if label == name && len(label) <= 52 {
		return label
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return strings.TrimRight(label[:min(len(label), 45)], "-") + fmt.Sprintf("-%06x", h.Sum32()>>8)
}
