package strict

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Each document of the exports in testdata is an object of the API, without
// unknown or duplicate fields, and the objects fit together.
func TestStrict(t *testing.T) {
	files, err := filepath.Glob("../testdata/golden/*/kubernetes/kubernetes.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	kinds := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		check(t, file, text, kinds)
	}
	for _, kind := range []string{"ConfigMap", "Deployment", "Job", "Service", "StatefulSet"} {
		if !kinds[kind] {
			t.Errorf("no %s in the exports", kind)
		}
	}
}

// Strict decoding finds a field that the API does not have.
func TestUnknownField(t *testing.T) {
	if _, err := decode([]byte("apiVersion: v1\nkind: Service\nspec:\n  porrts: []\n")); !runtime.IsStrictDecodingError(err) {
		t.Errorf("porrts: %v", err)
	}
}

func decode(document []byte) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	object, _, err := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true}).Decode(document, nil, nil)
	return object, err
}

// check decodes a file of manifests, and notes which kinds it has.
func check(t *testing.T, file string, text []byte, kinds map[string]bool) {
	configs, templates := map[string]bool{}, []corev1.PodTemplateSpec{}
	var services []*corev1.Service
	valid := func(what string, problems []string) {
		for _, p := range problems {
			t.Errorf("%s: %s: %s", file, what, p)
		}
	}
	workload := func(o metav1.ObjectMeta, selector *metav1.LabelSelector, template corev1.PodTemplateSpec) {
		valid(o.Name, validation.IsDNS1123Subdomain(o.Name))
		if selector != nil && !labels.SelectorFromSet(selector.MatchLabels).Matches(labels.Set(template.Labels)) {
			t.Errorf("%s: %s does not select its pods", file, o.Name)
		}
		templates = append(templates, template)
	}
	for reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if onlyComments(document) {
			continue
		}
		object, err := decode(document)
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, document)
			continue
		}
		kinds[object.GetObjectKind().GroupVersionKind().Kind] = true
		switch o := object.(type) {
		case *corev1.ConfigMap:
			configs[o.Name] = true
			for name := range o.Data {
				valid(name, validation.IsConfigMapKey(name))
			}
		case *corev1.Service:
			valid(o.Name, validation.IsDNS1035Label(o.Name))
			services = append(services, o)
		case *appsv1.Deployment:
			workload(o.ObjectMeta, o.Spec.Selector, o.Spec.Template)
		case *appsv1.StatefulSet:
			workload(o.ObjectMeta, o.Spec.Selector, o.Spec.Template)
			for _, claim := range o.Spec.VolumeClaimTemplates {
				if !slices.ContainsFunc(o.Spec.Template.Spec.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == claim.Name }) {
					t.Errorf("%s: %s does not mount %s", file, o.Name, claim.Name)
				}
			}
		case *batchv1.Job:
			workload(o.ObjectMeta, nil, o.Spec.Template)
			if p := o.Spec.Template.Spec.RestartPolicy; p != corev1.RestartPolicyNever && p != corev1.RestartPolicyOnFailure {
				t.Errorf("%s: job %s has the restart policy %q", file, o.Name, p)
			}
		}
	}
	for _, template := range templates {
		for _, c := range template.Spec.Containers {
			valid(c.Name, validation.IsDNS1123Label(c.Name))
			for _, from := range c.EnvFrom {
				if from.ConfigMapRef != nil && !configs[from.ConfigMapRef.Name] {
					t.Errorf("%s: no ConfigMap %s", file, from.ConfigMapRef.Name)
				}
			}
			for _, e := range c.Env {
				valid(e.Name, validation.IsEnvVarName(e.Name))
			}
			for _, p := range c.Ports {
				valid(p.Name, validation.IsValidPortName(p.Name))
			}
		}
	}
	for _, s := range services {
		i := slices.IndexFunc(templates, func(p corev1.PodTemplateSpec) bool {
			return labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.Labels))
		})
		if i < 0 {
			t.Errorf("%s: Service %s selects no pods", file, s.Name)
			continue
		}
		for _, p := range s.Spec.Ports {
			valid(p.Name, validation.IsDNS1123Label(p.Name))
			if !slices.ContainsFunc(templates[i].Spec.Containers[0].Ports, func(q corev1.ContainerPort) bool { return q.ContainerPort == p.TargetPort.IntVal }) {
				t.Errorf("%s: the container of Service %s has no port %d", file, s.Name, p.TargetPort.IntVal)
			}
		}
	}
}

// onlyComments reports whether a document is the one of a project that has
// nothing to export.
func onlyComments(document []byte) bool {
	for line := range bytes.Lines(document) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}
