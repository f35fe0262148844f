package apiserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubestep/kubestep/engine/etcd"
	"github.com/kubestep/kubestep/engine/kubeglobal"
	"github.com/kubestep/kubestep/engine/pki"
	"github.com/kubestep/kubestep/engine/trace"
)

const deadline = 20 * time.Second

var errNoNetwork = errors.New("the test has no network")

// lab is an etcd member and an API server on one data directory.
type lab struct {
	t      *testing.T
	dir    string
	certs  *pki.Files
	tap    *trace.Tap
	etcd   *etcd.Member
	server *Server
	dialed chan string // addresses of the lab's network that the server wanted
	stop   func()
}

func startLab(t *testing.T, dir string) *lab {
	t.Helper()
	certs, err := pki.Ensure(pki.Options{
		Dir: filepath.Join(dir, "pki"), ServiceIP: net.IPv4(10, 96, 0, 1), Nodes: []pki.Node{{Name: "node-1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{
		t: t, dir: dir, certs: certs, tap: trace.NewTap(trace.NewStore(trace.Limits{}), nil), dialed: make(chan string, 10),
	}

	etcdConfig, err := etcd.Options{Dir: filepath.Join(dir, "etcd"), Log: logFile(t, dir)}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	if l.etcd, err = etcd.New(etcdConfig); err != nil {
		t.Fatal(err)
	}
	stopEtcd := run(t, "etcd", l.etcd.Run, l.etcd.Ready())
	stopReport := run(t, "report", func(ctx context.Context) error { return l.etcd.Report(ctx, l.tap) }, nil)

	config, err := Options{
		Etcd: l.etcd.Endpoint(), Certificates: certs, ServiceRange: "10.96.0.0/16", Tap: l.tap, Log: slog.New(slog.DiscardHandler),
		DialNode: func(_ context.Context, _, address string) (net.Conn, error) {
			l.dialed <- address
			return nil, errNoNetwork
		},
	}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	if l.server, err = New(config); err != nil {
		t.Fatal(err)
	}
	stopServer := run(t, "API server", l.server.Run, l.server.Ready())
	for _, step := range l.server.Steps() {
		t.Logf("%-12s %v", step.Name, step.Took.Round(time.Millisecond))
	}
	l.stop = func() {
		t.Helper()
		stopServer()
		stopReport()
		stopEtcd()
	}
	return l
}

func logFile(t *testing.T, dir string) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// run starts a part and waits until it is ready; the returned function stops it.
func run(t *testing.T, name string, part func(context.Context) error, ready <-chan struct{}) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // t's own ends too early for an ordered stop
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	if ready != nil {
		select {
		case <-ready:
		case err := <-done:
			t.Fatalf("%s ended: %v", name, err)
		case <-time.After(deadline):
			t.Fatalf("%s did not become ready", name)
		}
	}
	return func() {
		t.Helper()
		began := time.Now()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s ended with %v", name, err)
			}
			t.Logf("%s stopped in %v", name, time.Since(began).Round(time.Millisecond))
		case <-time.After(deadline):
			t.Errorf("%s did not stop", name)
		}
	}
}

// config returns a configuration of the kind that a user outside has.
func (l *lab) config(pair pki.Pair) *rest.Config {
	config := &rest.Config{Host: l.server.URL(), UserAgent: "kubectl/v1.36.3 (test)", QPS: -1}
	config.CAFile, config.CertFile, config.KeyFile = l.certs.CA.CertFile, pair.CertFile, pair.KeyFile
	return config
}

func (l *lab) client(pair pki.Pair) *kubernetes.Clientset {
	l.t.Helper()
	client, err := kubernetes.NewForConfig(l.config(pair))
	if err != nil {
		l.t.Fatal(err)
	}
	return client
}

// await returns the first event for which match is true.
func (l *lab) await(what string, match func(trace.Event) bool) trace.Event {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), deadline)
	defer cancel()
	for cursor := trace.Cursor(0); ; {
		batch := l.tap.Store().Since(cursor)
		cursor = batch.Next
		for _, e := range batch.Events {
			if match(e) {
				return e
			}
		}
		if l.tap.Store().Wait(ctx, cursor) != nil {
			l.t.Fatalf("no event: %s", what)
		}
	}
}

// causedBy returns the events that the event with the given number has caused, in order.
func (l *lab) causedBy(seq uint64) []trace.Event {
	var effects []trace.Event
	for _, e := range l.tap.Store().Since(0).Events {
		if e.Cause == seq {
			effects = append(effects, e)
		}
	}
	return effects
}

func deployment() *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "kubestep.dev/web:v1"}}},
			},
		},
	}
}

// TestServer is one test because a process can host one lab at a time, and starting one takes a second.
func TestServer(t *testing.T) {
	dir, err := os.MkdirTemp("", "ks") // t.TempDir's paths can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := kubeglobal.Setup(kubeglobal.Options{Log: logFile(t, dir)}); err != nil {
		t.Fatal(err)
	}
	l := startLab(t, dir)
	t.Run("stages", func(t *testing.T) { testStages(t, l) })
	t.Run("mutation", func(t *testing.T) { testMutation(t, l) })
	t.Run("refusals", func(t *testing.T) { testRefusals(t, l) })
	t.Run("version", func(t *testing.T) { testVersion(t, l) })
	t.Run("custom resource", func(t *testing.T) { testCustomResource(t, l) })
	t.Run("node network", func(t *testing.T) { testNodeNetwork(t, l) })
	t.Run("known request", func(t *testing.T) { testKnownRequest(t, l) })
	t.Run("taken port", func(t *testing.T) { testTakenPort(t, l) })
	l.stop()

	l = startLab(t, dir)
	t.Run("restart", func(t *testing.T) {
		if _, err := l.client(l.certs.Admin).AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{}); err != nil {
			t.Errorf("the Deployment is lost: %v", err)
		}
	})
	l.stop()
}

func testStages(t *testing.T, l *lab) {
	created, err := l.client(l.certs.Admin).AppsV1().Deployments("default").Create(t.Context(), deployment(), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	request := l.await("the request's end", func(e trace.Event) bool {
		return e.Kind == trace.APIRequest && e.Verb == "create" && e.Object.Kind == "Deployment" && !e.Open
	})
	detail := request.Detail.(*trace.RequestDetail)
	if request.Actor != "kubectl" || !request.Root || request.Background || detail.Status != 201 ||
		request.Object.UID != string(created.UID) || request.ResourceVersion != created.ResourceVersion {
		t.Errorf("the request is %+v %+v", request, detail)
	}
	for name, body := range map[string]*trace.Body{"sent": detail.Body, "answered": detail.Response} {
		if raw, err := body.JSON(); err != nil || !strings.Contains(string(raw), `"kind":"Deployment"`) {
			t.Errorf("%s: %s, %v", name, raw, err)
		}
	}
	commit := l.await("the commit", func(e trace.Event) bool {
		return e.Kind == trace.EtcdCommit && e.Object.Kind == "Deployment"
	})
	if commit.Cause != request.Seq || commit.CauseLink != trace.Exact || commit.ResourceVersion != created.ResourceVersion {
		t.Errorf("the commit is %+v, the request %d", commit, request.Seq)
	}

	var order []string
	stages := map[string]trace.Event{}
	for _, e := range l.causedBy(request.Seq) {
		if e.Kind != trace.APIStage {
			continue
		}
		if e.Open || e.CauseLink != trace.Exact || e.Actor != Actor {
			t.Errorf("stage %+v", e)
		}
		if len(order) == 0 || order[len(order)-1] != e.Verb {
			order = append(order, e.Verb)
		}
		stages[e.Verb] = e
		if plugin := e.Detail.(*trace.StageDetail).Plugin; plugin != "" {
			stages[e.Verb+" "+plugin] = e
		}
	}
	if got, want := strings.Join(order, " "), "authentication fairness authorization mutating validating storage"; got != want {
		t.Errorf("stages were %s, want %s", got, want)
	}
	for _, plugin := range []string{"mutating ServiceAccount", "validating ResourceQuota", "validating PodSecurity", "validating ValidatingAdmissionWebhook"} {
		if _, ok := stages[plugin]; !ok {
			t.Errorf("no stage %s", plugin)
		}
	}
	of := func(stage string) trace.StageDetail { return *stages[stage].Detail.(*trace.StageDetail) }
	if d := of(trace.StageAuthentication); d.Decision != "authenticated" || d.User != "kubernetes-admin" || d.Groups[0] != "system:masters" {
		t.Errorf("authentication: %+v", d)
	}
	if d := of(trace.StageFairness); d.Decision != "admitted" || d.FlowSchema != "exempt" || d.PriorityLevel != "exempt" {
		t.Errorf("fairness: %+v", d)
	}
	if d := of(trace.StageAuthorization); d.Decision != "allow" {
		t.Errorf("authorization: %+v", d)
	}
	key := commit.Detail.(*trace.CommitDetail).Key
	if d := of(trace.StageStorage); d.Decision != "create" || d.Key != key || stages[trace.StageStorage].EtcdRevision != commit.EtcdRevision {
		t.Errorf("storage: %+v, the commit's key is %s", stages[trace.StageStorage], key)
	}
}

func testMutation(t *testing.T, l *lab) {
	pods := l.client(l.certs.Admin).CoreV1().Pods("default")
	accounts := l.client(l.certs.Admin).CoreV1().ServiceAccounts("default")
	// No controller manager makes the default account here.
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "web-"}, Spec: deployment().Spec.Template.Spec}
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	changed := l.await("the ServiceAccount plugin's change", func(e trace.Event) bool {
		d, ok := e.Detail.(*trace.StageDetail)
		return ok && e.Verb == trace.StageMutating && d.Plugin == "ServiceAccount" && d.After != nil
	})
	detail := changed.Detail.(*trace.StageDetail)
	before, err := detail.Before.JSON()
	if err != nil {
		t.Fatal(err)
	}
	after, err := detail.After.JSON()
	if err != nil {
		t.Fatal(err)
	}
	const volume = "kube-api-access-"
	if strings.Contains(string(before), volume) || !strings.Contains(string(after), volume) || !strings.Contains(string(after), `"apiVersion":"v1"`) {
		t.Errorf("before: %s\nafter: %s", before, after)
	}
}

func testRefusals(t *testing.T, l *lab) {
	_, err := l.client(pki.Pair{}).CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "system:anonymous") {
		t.Errorf("without a certificate: %v", err)
	}
	config := &rest.Config{Host: l.server.URL(), BearerToken: "guess"}
	config.CAFile = l.certs.CA.CertFile
	guesser, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := guesser.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsUnauthorized(err) {
		t.Errorf("with a wrong token: %v", err)
	}
	err = l.client(l.certs.Scheduler).CoreV1().Nodes().Delete(t.Context(), "node-1", metav1.DeleteOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("the scheduler deleting a node: %v", err)
	}
	denied := l.await("the denial", func(e trace.Event) bool {
		d, ok := e.Detail.(*trace.StageDetail)
		return ok && e.Verb == trace.StageAuthorization && d.User == "system:kube-scheduler" && d.Decision != "allow"
	})
	if denied.Object.Kind != "Node" || denied.Object.Name != "node-1" {
		t.Errorf("denied: %+v", denied)
	}
	node := l.client(l.certs.Nodes["node-1"].Client)
	if _, err := node.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-2"}}, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a node making another one: %v", err)
	}
}

func testVersion(t *testing.T, l *lab) {
	v, err := l.client(l.certs.Admin).Discovery().ServerVersion()
	if err != nil || v.GitVersion != "v1.36.3" {
		t.Errorf("got %+v, %v", v, err)
	}
}

func testTakenPort(t *testing.T, l *lab) {
	config := l.server.config
	config.options.Port = l.server.listener.Addr().(*net.TCPAddr).Port
	if _, err := New(config); err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("got %v", err)
	}
}
