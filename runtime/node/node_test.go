package node_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/kubestep/kubestep/engine/trace"
)

// TestNode runs two nodes against a real API server. The parts of the test share them and come in order.
func TestNode(t *testing.T) {
	outside := hostFiles(t)
	l := startLab(t)
	for _, part := range []struct {
		name string
		test func(t *testing.T, l *lab)
	}{
		{"the Node tells the truth about its machine", nodeStatus},
		{"a Pod runs with its volumes", podRuns},
		{"logs and exec come through the API server", logsAndExec},
		{"CRI calls of one sync follow one another", chain},
		{"an unknown image is not pulled", unknownImage},
		{"probes come from the node", probes},
		{"Services lead to Pods of other nodes", services},
		{"a Pod asks the API server", inside},
		{"the API server reaches Pods", proxied},
		{"a port is forwarded", forwarded},
		{"a NetworkPolicy keeps others out", policy},
		{"the kubelet refuses who it does not know", refuses},
		{"a deleted Pod leaves nothing behind", deleted},
		{"a node without power is silent", powerOff},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(t, l) }) {
			break
		}
	}
	if now := hostFiles(t); !slices.Equal(now, outside) {
		t.Errorf("files outside the nodes' directories: before %q, after %q", outside, now)
	}
}

// hostFiles lists what upstream's kubelet writes by default.
func hostFiles(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, root := range []string{"/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/var/lib/cni"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				found = append(found, path)
			}
			return nil
		})
		check(t, err)
	}
	return found
}

func nodeStatus(t *testing.T, l *lab) {
	n, err := l.client.CoreV1().Nodes().Get(t.Context(), "node-1", metav1.GetOptions{})
	check(t, err)
	var ip string
	for _, a := range n.Status.Addresses {
		if a.Type == v1.NodeInternalIP {
			ip = a.Address
		}
	}
	info := n.Status.NodeInfo
	for _, c := range []struct{ what, got, want string }{
		{"InternalIP", ip, addresses["node-1"].String()},
		{"hostname label", n.Labels[v1.LabelHostname], "node-1"},
		{"kubelet", info.KubeletVersion, "v1.36.3"},
		{"cores", n.Status.Capacity.Cpu().String(), fmt.Sprint(runtime.NumCPU())},
		{"port", fmt.Sprint(n.Status.DaemonEndpoints.KubeletEndpoint.Port), "10250"},
		{"OS", info.OperatingSystem + "/" + info.Architecture, runtime.GOOS + "/" + runtime.GOARCH},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", c.what, c.got, c.want)
		}
	}
	if !strings.HasPrefix(info.ContainerRuntimeVersion, "kubestep-inproc://") || info.KernelVersion == "" || info.OSImage == "" {
		t.Errorf("node info: %+v", info)
	}
	if len(n.Spec.Taints) > 0 && n.Spec.Taints[0].Key != v1.TaintNodeNotReady {
		t.Errorf("taints: %v", n.Spec.Taints)
	}
}

// pod returns a Pod of node-1 with one container.
func pod(name, image string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1.PodSpec{NodeName: "node-1", Containers: []v1.Container{{Name: "main", Image: image}}},
	}
}

func (l *lab) create(t *testing.T, p *v1.Pod) {
	t.Helper()
	_, err := l.client.CoreV1().Pods("default").Create(t.Context(), p, metav1.CreateOptions{})
	check(t, err)
}

func (l *lab) awaitPod(t *testing.T, name, what string, ok func(p *v1.Pod) bool) *v1.Pod {
	t.Helper()
	var got *v1.Pod
	await(t, name+" "+what, func() error {
		p, err := l.client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got = p; !ok(p) {
			return fmt.Errorf("%+v", p.Status)
		}
		return nil
	})
	return got
}

func running(p *v1.Pod) bool { return p.Status.Phase == v1.PodRunning && p.Status.PodIP != "" }

func podRuns(t *testing.T, l *lab) {
	_, err := l.client.CoreV1().ConfigMaps("default").Create(t.Context(), &v1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"colour": "blue"},
	}, metav1.CreateOptions{})
	check(t, err)
	p := pod("web", "kubestep.dev/web:v1")
	p.Spec.Volumes = []v1.Volume{{Name: "settings", VolumeSource: v1.VolumeSource{
		ConfigMap: &v1.ConfigMapVolumeSource{LocalObjectReference: v1.LocalObjectReference{Name: "settings"}},
	}}}
	create := v1.HostPathDirectoryOrCreate
	p.Spec.Volumes = append(p.Spec.Volumes,
		v1.Volume{Name: "machine", VolumeSource: v1.VolumeSource{HostPath: &v1.HostPathVolumeSource{Path: "/var/lib/kubelet/test", Type: &create}}},
		v1.Volume{Name: "scratch", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{Medium: v1.StorageMediumMemory}}})
	p.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{
		{Name: "machine", MountPath: "/machine"},
		{Name: "scratch", MountPath: "/scratch"},
		{Name: "settings", MountPath: "/settings"},
		{Name: "settings", MountPath: "/one/colour", SubPath: "colour"},
	}
	// As another user: an ordinary user cannot give the token away, and the Pod must run all the same.
	p.Spec.SecurityContext = &v1.PodSecurityContext{RunAsUser: new(int64(4711)), FSGroup: new(int64(4711))}
	began := time.Now()
	l.create(t, p)
	got := l.awaitPod(t, "web", "to run", running)
	t.Logf("create to Running: %v", time.Since(began).Round(time.Millisecond))
	if got.Status.HostIP != addresses["node-1"].String() {
		t.Errorf("host IP %q", got.Status.HostIP)
	}
}

func logsAndExec(t *testing.T, l *lab) {
	await(t, "logs", func() error {
		raw, err := l.client.CoreV1().Pods("default").GetLogs("web", &v1.PodLogOptions{}).DoRaw(t.Context())
		if err == nil && len(raw) == 0 {
			err = errors.New("empty")
		}
		return err
	})
	for path, want := range map[string]string{
		"/settings/colour": "blue",
		"/one/colour":      "blue",
		"/var/run/secrets/kubernetes.io/serviceaccount/namespace": "default",
	} {
		if got := l.exec(t, "web", "cat", path); got != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
	}
	l.exec(t, "web", "sh", "-c", "echo here > /machine/file && echo there > /scratch/file")
	if raw, err := os.ReadFile(filepath.Join(l.nodes["node-1"].dir, "rootfs/var/lib/kubelet/test/file")); err != nil || string(raw) != "here\n" {
		t.Errorf("the node's own file: %q, %v", raw, err)
	}
	if token := l.exec(t, "web", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"); strings.Count(token, ".") != 2 {
		t.Errorf("token: %q", token)
	}
}

func (l *lab) exec(t *testing.T, pod string, command ...string) string {
	t.Helper()
	out, err := l.tryExec(t, pod, command...)
	check(t, err)
	return out
}

func (l *lab) tryExec(t *testing.T, pod string, command ...string) (string, error) {
	t.Helper()
	r := l.client.CoreV1().RESTClient().Post().Namespace("default").Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(&v1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	e, err := remotecommand.NewWebSocketExecutor(l.config, "GET", r.URL().String())
	check(t, err)
	var out, errs bytes.Buffer
	if err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: &out, Stderr: &errs}); err != nil {
		return "", fmt.Errorf("exec %q: %w: %s", command, err, errs.String())
	}
	return out.String(), nil
}

func chain(t *testing.T, l *lab) {
	var last *trace.Event
	var verbs []string
	for _, e := range l.tap.Store().Since(0).Events {
		if e.Kind != trace.CRICall || e.Actor != "kubelet@node-1" || e.Object.Name != "web" {
			continue
		}
		switch e.Verb {
		case "RunPodSandbox", "PullImage", "CreateContainer", "StartContainer":
		default:
			continue
		}
		switch {
		case last == nil:
			if cause, ok := l.tap.Store().Get(e.Cause); e.CauseLink != trace.Inferred || !ok || cause.Object.Name != "web" {
				t.Errorf("%s is caused by %+v (%s), want what was learnt of the Pod", e.Verb, cause, e.CauseLink)
			}
		case e.Cause != last.Seq || e.CauseLink != trace.Exact:
			t.Errorf("%s (%d) is caused by %d (%s), want %s (%d)", e.Verb, e.Seq, e.Cause, e.CauseLink, last.Verb, last.Seq)
		}
		verbs = append(verbs, e.Verb)
		last = &e
	}
	if want := []string{"RunPodSandbox", "PullImage", "CreateContainer", "StartContainer"}; !slices.Equal(verbs, want) {
		t.Errorf("calls %q, want %q", verbs, want)
	}
}

func unknownImage(t *testing.T, l *lab) {
	l.create(t, pod("stranger", "nginx:1.29"))
	l.awaitPod(t, "stranger", "to fail to pull", func(p *v1.Pod) bool {
		return len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].State.Waiting != nil &&
			p.Status.ContainerStatuses[0].State.Waiting.Reason == "ErrImagePull"
	})
}

func probes(t *testing.T, l *lab) {
	p := pod("probed", "kubestep.dev/web:v1")
	p.Spec.Containers[0].Ports = []v1.ContainerPort{{Name: "http", ContainerPort: 8080}}
	p.Spec.Containers[0].ReadinessProbe = &v1.Probe{
		ProbeHandler:  v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Port: intstr.FromString("http"), Path: "/readyz"}},
		PeriodSeconds: 1,
	}
	p.Spec.Containers[0].StartupProbe = &v1.Probe{
		ProbeHandler:  v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromString("http")}},
		PeriodSeconds: 1,
	}
	l.create(t, p)
	l.awaitPod(t, "probed", "to be Ready", podReady)
	l.exec(t, "probed", "touch", "/tmp/unready")
	l.awaitPod(t, "probed", "not to be Ready", func(p *v1.Pod) bool { return !podReady(p) })
	want := "Readiness probe failed: HTTP probe failed with statuscode: 503"
	await(t, "the probe's Event", func() error {
		list, err := l.client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=probed,reason=Unhealthy"})
		if err != nil {
			return err
		}
		for _, e := range list.Items {
			if e.Message == want {
				return nil
			}
		}
		return fmt.Errorf("no Event with %q: %v", want, list.Items)
	})
}

func refuses(t *testing.T, l *lab) {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return l.dial(ctx, network, address)
		},
	}}
	for token, want := range map[string]int{"": http.StatusUnauthorized, "made-up": http.StatusUnauthorized, l.token(t): http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addresses["node-1"].String()+":10250/pods", nil)
		check(t, err)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := client.Do(r)
		check(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("with token %.8q: %s, want %d", token, resp.Status, want)
		}
	}
}

// token returns what the Pod "web" can show.
func (l *lab) token(t *testing.T) string {
	t.Helper()
	return l.exec(t, "web", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
}

func deleted(t *testing.T, l *lab) {
	p, err := l.client.CoreV1().Pods("default").Get(t.Context(), "web", metav1.GetOptions{})
	check(t, err)
	began := time.Now()
	check(t, l.client.CoreV1().Pods("default").Delete(t.Context(), "web", metav1.DeleteOptions{}))
	await(t, "the Pod to be gone", func() error {
		_, err := l.client.CoreV1().Pods("default").Get(t.Context(), "web", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("still there: %w", err)
	})
	t.Logf("delete to gone: %v", time.Since(began).Round(time.Millisecond))
	await(t, "its directory to be gone", func() error {
		if _, err := os.Stat(filepath.Join(l.nodes["node-1"].dir, "kubelet", "pods", string(p.UID))); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("still there: %w", err)
		}
		return nil
	})
}

func powerOff(t *testing.T, l *lab) {
	m := l.nodes["node-1"]
	m.powerOff()
	select {
	case err := <-m.ended:
		check(t, err)
	case <-time.After(deadline):
		t.Fatal("Run has not returned")
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if c, err := m.DialKubelet(ctx); err == nil {
		_ = c.Close()
		t.Error("the kubelet still answers")
	}
	// The other node lives, and what it does comes after anything that node-1 could still have had under way.
	_, after := l.tap.Store().Len()
	p := pod("elsewhere", "kubestep.dev/web:v1")
	p.Spec.NodeName = "node-2"
	l.create(t, p)
	l.awaitPod(t, "elsewhere", "to run", running)
	for _, e := range l.tap.Store().Since(0).Events {
		if e.Seq > after && strings.HasSuffix(e.Actor, "@node-1") {
			t.Errorf("without power: %s %s %s", e.Kind, e.Verb, e.Object)
		}
	}
	info, err := os.Stat(m.dir)
	check(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the node's directory has mode %v", info.Mode().Perm())
	}
}
