package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rollout is a Deployment of two behind a Service. %[1]s is its name, %[2]s what its container has.
const rollout = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: 2
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers: [{name: web, image: "kubestep.dev/web:v1", %[2]s}]
---
apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {selector: {app: %[1]s}, ports: [{port: 80, targetPort: 8080}]}
---
`

// asker is a client that asks it all the time.
const asker = `
apiVersion: v1
kind: Pod
metadata: {name: ask-%[1]s}
spec:
  restartPolicy: Never
  containers: [{name: client, image: "kubestep.dev/client:v1", args: [--interval=5ms, "http://%[1]s"]}]
---
`

// rollingUpdate replaces all Pods of two Deployments under requests: the one with readiness probe and preStop loses none,
// the other one some.
func (l *lab) rollingUpdate(t *testing.T) {
	careful := `args: [--start-delay=500ms], readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}, lifecycle: {preStop: {sleep: {seconds: 1}}}`
	l.kubectlIn(t, fmt.Sprintf(rollout, "careful", careful)+fmt.Sprintf(rollout, "careless", "args: [--start-delay=2s]"), "apply", "-f", "-")
	names := []string{"careful", "careless"}
	for _, name := range names {
		l.kubectl(t, "rollout", "status", "deployment/"+name, "--timeout=60s")
	}
	// Without a probe they are not ready to answer when they are said to be.
	l.kubectl(t, "exec", "client", "--", "sh", "-c", "for i in $(seq 30); do until curl -s careless >/dev/null; do sleep 0.05; done; done")
	l.kubectlIn(t, fmt.Sprintf(asker, "careful")+fmt.Sprintf(asker, "careless"), "apply", "-f", "-")
	for _, name := range names {
		l.kubectl(t, "wait", "--for=condition=Ready", "pod/ask-"+name, "--timeout=30s")
	}
	for _, name := range names {
		l.kubectl(t, "set", "image", "deployment/"+name, "web=kubestep.dev/web:v2")
	}
	for _, name := range names {
		l.kubectl(t, "rollout", "status", "deployment/"+name, "--timeout=60s")
		l.kubectl(t, "wait", "--for=delete", "pod", "-l", "app="+name+",pod-template-hash="+l.oldHash(t, name), "--timeout=30s")
	}
	for _, name := range names {
		l.kubectl(t, "exec", "ask-"+name, "--", "kill", "1")
		l.kubectl(t, "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/ask-"+name, "--timeout=30s")
		log := l.kubectl(t, "logs", "ask-"+name)
		asked, failed := tally(t, log)
		t.Logf("%s: %d requests, %d failed", name, asked, failed)
		expect(t, log, "web v1", "web v2")
		if name == "careful" && failed != 0 || name == "careless" && failed == 0 {
			t.Errorf("%s: %d of %d requests failed", name, failed, asked)
		}
	}
	l.kubectl(t, "delete", "pod/ask-careful", "pod/ask-careless", "deployment/careful", "deployment/careless", "--now")
}

// oldHash names the ReplicaSet of the first revision.
func (l *lab) oldHash(t *testing.T, deployment string) string {
	t.Helper()
	return l.kubectl(t, "get", "replicasets", "-l", "app="+deployment, "-o",
		`jsonpath={.items[?(@.spec.replicas==0)].metadata.labels.pod-template-hash}`)
}

var tallied = regexp.MustCompile(`(?m)^client: (\d+) requests, (\d+) ok, (\d+) failed$`)

// tally reads a client's last line.
func tally(t *testing.T, log string) (asked, failed int) {
	t.Helper()
	m := tallied.FindStringSubmatch(log)
	if m == nil {
		t.Fatalf("no sum in:\n%s", log)
	}
	asked, _ = strconv.Atoi(m[1])
	failed, _ = strconv.Atoi(m[3])
	return asked, failed
}

const threeEndpoints = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: three}
spec:
  replicas: 3
  selector: {matchLabels: {app: three}}
  template:
    metadata: {labels: {app: three}}
    spec:
      containers: [{name: web, image: "kubestep.dev/web:v1", readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}}]
---
apiVersion: v1
kind: Service
metadata: {name: three}
spec: {selector: {app: three}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: sticky}
spec: {selector: {app: three}, sessionAffinity: ClientIP, ports: [{port: 80, targetPort: 8080}]}
`

// endpoints waits until a Service has so many that are ready. kubectl's wait would fail on a list that is still shorter.
func (l *lab) endpoints(t *testing.T, service string, want int) {
	t.Helper()
	ready := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		ready = l.kubectl(t, "get", "endpointslices", "-l", "kubernetes.io/service-name="+service, "-o",
			"jsonpath={.items[*].endpoints[*].conditions.ready}")
		if strings.Count(ready, "true") == want {
			return
		}
	}
	t.Fatalf("Service %s does not come to %d ready endpoints: %q", service, want, ready)
}

// balancing asks a Service with three endpoints.
func (l *lab) balancing(t *testing.T) {
	l.kubectlIn(t, threeEndpoints, "apply", "-f", "-")
	l.kubectl(t, "rollout", "status", "deployment/three", "--timeout=60s")
	for _, service := range []string{"three", "sticky"} {
		l.endpoints(t, service, 3)
	}
	t.Run("spread", func(t *testing.T) {
		// A node's proxy may be a moment behind the EndpointSlice.
		l.kubectl(t, "exec", "client", "--", "sh", "-c",
			"until [ $(for i in $(seq 30); do curl -s three/hostname; done | sort -u | wc -l) = 3 ]; do :; done")
		const count = 900
		hosts := l.load(t, "-n", strconv.Itoa(count), "http://three")
		distance := 0.0
		for _, n := range hosts {
			d := float64(n) - count/3
			distance += d * d / (count / 3)
		}
		t.Logf("%v, chi-square %.2f", hosts, distance)
		if len(hosts) != 3 || distance > 27.6 { // a fair choice exceeds it once in a million runs
			t.Errorf("%v, chi-square %.1f: want an even choice among 3", hosts, distance)
		}
	})
	t.Run("affinity", func(t *testing.T) {
		if hosts := l.load(t, "-n", "60", "http://sticky"); len(hosts) != 1 {
			t.Errorf("%v, want one host for one client", hosts)
		}
	})
	t.Run("nobody has the cluster IP", func(t *testing.T) {
		r := finish(t, l.kubectlCommand(t.Context(), "exec", "client", "--", "ping", "-c", "2", "-W", "1", "three"), "")
		if r.code != 1 || !strings.Contains(r.stdout, "2 packets transmitted, 0 received") {
			t.Errorf("exit code %d, %s%s", r.code, r.stdout, r.stderr)
		}
	})
	t.Run("hairpin", func(t *testing.T) {
		// web is the only endpoint of its Service. It must not see itself as the client: its answer would not come back
		// through the translation.
		own := l.kubectl(t, "get", "pod", "web", "-o", "jsonpath={.status.podIP}")
		from := l.kubectl(t, "exec", "web", "--", "curl", "-s", "-m", "5", "http://web.default/from")
		gateway := own[:strings.LastIndexByte(own, '.')] + ".1:"
		if !strings.HasPrefix(from, gateway) {
			t.Errorf("asked from %q, want the bridge's address %s", from, gateway)
		}
	})
	l.kubectl(t, "delete", "service/three", "service/sticky", "deployment/three", "--now")
}

var loadHost = regexp.MustCompile(`(?m)^host (\S+): (\d+)$`)

// load runs the load generator in the client's Pod and returns how many answers came from which Pod.
func (l *lab) load(t *testing.T, args ...string) map[string]int {
	t.Helper()
	out := l.kubectl(t, append([]string{"exec", "client", "--", "load", "-c", "3"}, args...)...)
	hosts := map[string]int{}
	for _, m := range loadHost.FindAllStringSubmatch(out, -1) {
		hosts[m[1]], _ = strconv.Atoi(m[2])
	}
	return hosts
}
