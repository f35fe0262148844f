package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubestep/kubestep/assets"
	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/addon"
	"github.com/kubestep/kubestep/engine/lab"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/node"
)

const deadline = 20 * time.Second

// TestInCluster runs CoreDNS as its Deployment's Pod on a node of a lab, with its ServiceAccount, behind its Service, and
// asks it from a Pod.
func TestInCluster(t *testing.T) {
	dir, err := os.MkdirTemp("", "dns")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	logs, err := os.Create(filepath.Join(dir, "log"))
	check(t, err)
	t.Cleanup(func() {
		logs.Close()
	})
	l, err := lab.New(lab.Options{RunDir: dir, Nodes: 2, Runtime: node.New(node.Options{}), LibraryLog: logs,
		Log: slog.New(slog.NewTextHandler(logs, nil))})
	check(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the lab ended with %v", err)
		}
	})
	began := time.Now()
	var status engine.Status
	wait(t, "the lab", func() bool {
		status = l.Status()
		if status.Stopped {
			t.Fatalf("the lab stopped: %s", status.Error)
		}
		return status.Ready
	})
	t.Logf("lab ready after %v", time.Since(began).Round(time.Millisecond))
	config, err := clientcmd.BuildConfigFromFlags("", status.Kubeconfig)
	check(t, err)
	began = time.Now()
	check(t, addon.Apply(ctx, config, assets.CoreDNS))
	check(t, addon.Apply(ctx, config, assets.CoreDNS)) // again, as a lab that is started again does
	client := kubernetes.NewForConfigOrDie(config)
	defer explain(ctx, t, l, client)
	wait(t, "CoreDNS", func() bool {
		d, err := client.AppsV1().Deployments("kube-system").Get(ctx, "coredns", metav1.GetOptions{})
		check(t, err)
		return d.Status.AvailableReplicas == 1
	})
	t.Logf("CoreDNS available after %v", time.Since(began).Round(time.Millisecond))

	_, err = client.CoreV1().Pods("default").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "client"},
		Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{
			Name: "client", Image: "kubestep.dev/tools:v1",
			Command: []string{"sh", "-c", "nslookup kubernetes; nslookup www.example.com; nslookup nope; " +
				"dig kubernetes.default.svc.cluster.local; dig +short +tcp www.example.com; dig -x 10.96.0.1 +noall +answer; " +
				"dig SRV _https._tcp.kubernetes.default.svc.cluster.local; host kubernetes; getent hosts kubernetes"},
		}}},
	}, metav1.CreateOptions{})
	check(t, err)
	wait(t, "the client", func() bool {
		p, err := client.CoreV1().Pods("default").Get(ctx, "client", metav1.GetOptions{})
		check(t, err)
		return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	})
	stream, err := client.CoreV1().Pods("default").GetLogs("client", &corev1.PodLogOptions{}).Stream(ctx)
	check(t, err)
	out, err := io.ReadAll(stream)
	check(t, err)
	for _, want := range []string{
		"Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\nName:\tkubernetes.default.svc.cluster.local\nAddress: 10.96.0.1\n",
		"Non-authoritative answer:\nwww.example.com\tcanonical name = example.com.\nName:\texample.com\nAddress: 192.0.2.10\n",
		"** server can't find nope: NXDOMAIN\n",
		";; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1\n",
		";; SERVER: 10.96.0.10#53(10.96.0.10) (UDP)\n",
		"\nexample.com.\n192.0.2.10\n",
		"1.0.96.10.in-addr.arpa.\t30\tIN\tPTR\tkubernetes.default.svc.cluster.local.\n",
		"\tSRV\t0 100 443 kubernetes.default.svc.cluster.local.\n",
		"kubernetes.default.svc.cluster.local has address 10.96.0.1\n",
		"10.96.0.1       kubernetes.default.svc.cluster.local\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in the client's output:\n%s", want, out)
		}
	}

	var asked []string
	for _, e := range l.Events().Since(0).Events {
		d, ok := e.Detail.(*trace.DNSDetail)
		if !ok || e.Verb != "serve" || e.Cause == 0 {
			continue
		}
		cause, ok := l.Events().Get(e.Cause)
		if !ok || cause.Verb != "ask" || cause.Actor != "pod default/client" || e.CauseLink != trace.Exact {
			t.Errorf("event %d is caused by %d %s %s, %s", e.Seq, cause.Seq, cause.Actor, cause.Verb, e.CauseLink)
		}
		if d.Type == "A" {
			asked = append(asked, d.Name+" "+d.Rcode+" "+d.Plugin)
		}
	}
	want := []string{
		"kubernetes.default.svc.cluster.local. NOERROR kubernetes",
		"www.example.com.default.svc.cluster.local. NXDOMAIN kubernetes",
		"www.example.com.svc.cluster.local. NXDOMAIN kubernetes",
		"www.example.com.cluster.local. NXDOMAIN kubernetes",
		"www.example.com. NOERROR forward",
		"nope.default.svc.cluster.local. NXDOMAIN kubernetes",
		"nope.svc.cluster.local. NXDOMAIN kubernetes",
		"nope.cluster.local. NXDOMAIN kubernetes",
		"nope. NXDOMAIN forward",
		"kubernetes.default.svc.cluster.local. NOERROR kubernetes", // dig
		"www.example.com. NOERROR cache",
		"kubernetes.default.svc.cluster.local. NOERROR kubernetes", // host
		"kubernetes.default.svc.cluster.local. NOERROR kubernetes", // getent, after AAAA
	}
	if !slices.Equal(asked, want) {
		t.Errorf("the server was asked\n  %s\nwant\n  %s", strings.Join(asked, "\n  "), strings.Join(want, "\n  "))
	}
}

// explain logs what there is to see of a failure.
func explain(ctx context.Context, t *testing.T, l *lab.Lab, client kubernetes.Interface) {
	if !t.Failed() {
		return
	}
	for _, e := range l.Events().Since(0).Events {
		if e.Kind == trace.DNSQuery || e.Actor == "coredns" && !e.Background {
			raw, _ := json.Marshal(e)
			t.Logf("%.400s", raw)
		}
	}
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	check(t, err)
	for _, p := range pods.Items {
		raw, err := client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
		t.Logf("%s: %s %v\n%s", p.Name, raw, err, p.Status.String())
	}
	events, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
	check(t, err)
	for _, e := range events.Items {
		t.Logf("%s %s %s", e.InvolvedObject.Name, e.Reason, e.Message)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wait waits until done, and fails when that takes too long.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(deadline); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s did not get there in %v", what, deadline)
		}
	}
}
