package e2e

import (
	"strings"
	"testing"
	"time"
)

const manifest = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: hello}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: kubestep.dev/web:v1
        volumeMounts: [{name: settings, mountPath: /etc/settings}]
      volumes:
      - name: settings
        configMap: {name: settings}
`

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lessons.school.example.com}
spec:
  group: school.example.com
  scope: Namespaced
  names: {plural: lessons, singular: lesson, kind: Lesson}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              title: {type: string, minLength: 3}
`

// TestUpstreamKubectl runs one lab through what people do with kubectl. The parts build on each other.
func TestUpstreamKubectl(t *testing.T) {
	t.Parallel()
	l := newUser(t).up(t)
	part := func(name string, f func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, f) {
			t.FailNow()
		}
	}
	part("version", func(t *testing.T) {
		expect(t, l.kubectl(t, "version"), "Client Version: "+kubernetes, "Server Version: "+kubernetes)
	})
	part("nodes tell the truth", func(t *testing.T) {
		expect(t, l.kubectl(t, "get", "nodes", "-o", "wide"), "node-1", "node-2", "node-3", kubernetes)
		info := l.kubectl(t, "get", "node", "node-2", "-o", "jsonpath={.status.nodeInfo}")
		expect(t, info, `"kubeletVersion":"`+kubernetes+`"`, `"containerRuntimeVersion":"kubestep-inproc://`)
	})
	part("create -f, then apply", func(t *testing.T) {
		l.kubectlIn(t, manifest, "create", "--save-config", "-f", "-")
		expect(t, l.kubectlIn(t, manifest, "apply", "-f", "-"), "deployment.apps/web unchanged")
		l.kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	})
	part("apply --server-side", func(t *testing.T) {
		changed := strings.Replace(manifest, "hello", "good morning", 1)
		l.kubectlIn(t, changed, "apply", "--server-side", "--force-conflicts", "-f", "-")
		if got := l.kubectl(t, "get", "configmap", "settings", "-o", "jsonpath={.data.greeting}"); got != "good morning" {
			t.Errorf("the ConfigMap says %q", got)
		}
	})
	part("get -w", func(t *testing.T) {
		watch := l.kubectlCommand(t.Context(), "get", "deployment", "web", "-w", "--output-watch-events", "--no-headers")
		out := newLines()
		watch.Stdout, watch.Stderr = out, out
		if err := watch.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = watch.Process.Kill()
			_ = watch.Wait()
		}()
		out.await(t, "ADDED", time.Minute)
		l.kubectl(t, "scale", "deployment/web", "--replicas=3")
		out.await(t, "3/3", time.Minute)
	})
	part("rollout", func(t *testing.T) {
		l.kubectl(t, "set", "image", "deployment/web", "web=kubestep.dev/web:v2")
		l.kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
		images := l.kubectl(t, "get", "pods", "-l", "app=web", "--field-selector=status.phase=Running", "-o", "jsonpath={.items[*].spec.containers[*].image}")
		expect(t, images, "kubestep.dev/web:v2")
		l.kubectl(t, "rollout", "undo", "deployment/web")
		l.kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
		expect(t, l.kubectl(t, "rollout", "history", "deployment/web"), "REVISION")
	})
	part("logs", func(t *testing.T) {
		if logs := l.kubectl(t, "logs", "deployment/web"); strings.TrimSpace(logs) == "" {
			t.Error("the web program has logged nothing")
		}
	})
	part("exec", func(t *testing.T) {
		if got := l.kubectl(t, "exec", "deployment/web", "--", "cat", "/etc/settings/greeting"); got != "good morning" {
			t.Errorf("in the container, the ConfigMap's file says %q", got)
		}
		r := finish(t, l.kubectlCommand(t.Context(), "exec", "deployment/web", "--", "sh", "-c", "exit 7"), "")
		if r.code != 7 {
			t.Errorf("a command that exits with 7 gives kubectl %+v", r)
		}
	})
	part("explain", func(t *testing.T) {
		expect(t, l.kubectl(t, "explain", "deployment.spec.strategy.rollingUpdate"), "maxSurge", "maxUnavailable")
	})
	part("auth can-i", func(t *testing.T) {
		expect(t, l.kubectl(t, "auth", "can-i", "create", "pods"), "yes")
		r := finish(t, l.kubectlCommand(t.Context(), "auth", "can-i", "get", "secrets", "--as=system:serviceaccount:default:default"), "")
		if r.code != 1 || !strings.Contains(r.stdout, "no") {
			t.Errorf("the default service account and secrets: %+v, want no", r)
		}
	})
	part("create -f of a CRD", func(t *testing.T) {
		l.kubectlIn(t, crd, "create", "-f", "-")
		l.kubectl(t, "wait", "--for=condition=Established", "crd/lessons.school.example.com", "--timeout=60s")
		lesson := "apiVersion: school.example.com/v1\nkind: Lesson\nmetadata: {name: first}\nspec: {title: %}\n"
		l.kubectlIn(t, strings.Replace(lesson, "%", "Pods", 1), "create", "-f", "-")
		expect(t, l.kubectl(t, "get", "lessons"), "first")
		refused := l.kubectlCommand(t.Context(), "apply", "-f", "-")
		if r := finish(t, refused, strings.Replace(lesson, "%", "P", 1)); r.code == 0 || !strings.Contains(r.stderr, "spec.title") {
			t.Errorf("a title that is too short gives %+v", r)
		}
	})
	part("an image that is not there", func(t *testing.T) {
		l.kubectl(t, "run", "lost", "--image=example.com/nothing:v9")
		l.kubectl(t, "wait", `--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImagePull`, "pod/lost", "--timeout=60s")
	})
	part("delete", func(t *testing.T) {
		l.kubectl(t, "delete", "deployment/web", "pod/lost", "configmap/settings", "--timeout=60s")
		l.kubectl(t, "wait", "--for=delete", "pod", "-l", "app=web", "--timeout=60s")
	})
	part("the embedded kubectl finds the lab", func(t *testing.T) {
		r := l.user.run(t, "", "kubectl", "get", "nodes", "-o", "name")
		if r.code != 0 || !strings.Contains(r.stdout, "node/node-3") || r.stderr != "" {
			t.Errorf("got %+v", r)
		}
		other := append([]string(nil), l.user.env...)
		l.user.env = append(other, "KUBECONFIG=/nowhere")
		defer func() { l.user.env = other }()
		if r := l.user.run(t, "", "kubectl", "get", "nodes", "-o", "name"); r.code != 0 {
			t.Errorf("KUBECONFIG of another cluster must not matter: %+v", r)
		}
	})
}
