package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

// traced runs `kubestep trace --json` and returns the events by number.
func traced(t *testing.T, u *user, args ...string) map[uint64]trace.Event {
	t.Helper()
	r := u.run(t, "", append([]string{"trace", "--json"}, args...)...)
	if r.code != 0 {
		t.Fatalf("trace %v: %+v", args, r)
	}
	events := map[uint64]trace.Event{}
	var last uint64
	lines := bufio.NewScanner(strings.NewReader(r.stdout))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e trace.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("a line is no event: %v: %.200s", err, lines.Text())
		}
		if e.Seq <= last {
			t.Errorf("event %d comes after %d", e.Seq, last)
		}
		last = e.Seq
		events[e.Seq] = e
	}
	return events
}

// pick returns the events that match, in order.
func pick(events map[uint64]trace.Event, match func(e trace.Event) bool) []trace.Event {
	var out []trace.Event
	for _, e := range events {
		if match(e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b trace.Event) int { return int(a.Seq) - int(b.Seq) })
	return out
}

func why(events map[uint64]trace.Event, seq uint64) []trace.Event {
	return trace.Why(seq, func(seq uint64) (trace.Event, bool) { e, ok := events[seq]; return e, ok })
}

func TestTraceOfADeployment(t *testing.T) {
	u := newUser(t)
	events := traced(t, u, "--", "create", "deployment", "web", "--image=kubestep.dev/web:v1", "--replicas=3")

	requests := pick(events, func(e trace.Event) bool {
		return e.Kind == trace.APIRequest && e.Actor == "kubectl" && e.Verb == "create" && e.Object.Kind == "Deployment"
	})
	if len(requests) != 1 {
		t.Fatalf("kubectl made %d requests for the Deployment, want 1", len(requests))
	}
	request := requests[0]
	framesIn(t, request, "pkg/cmd/create/")
	if request.Object.UID == "" || request.ResourceVersion == "" {
		t.Errorf("the request's object is %+v at %q", request.Object, request.ResourceVersion)
	}

	t.Run("every event but the first ones has a cause", func(t *testing.T) {
		for _, e := range events {
			switch {
			case e.Root:
			case e.Cause == 0 || e.CauseLink == "":
				t.Errorf("#%d %s %s %s has no cause", e.Seq, e.Actor, e.Verb, e.Object)
			case events[e.Cause].Seq == 0:
				t.Errorf("#%d %s %s %s: its cause #%d was not printed", e.Seq, e.Actor, e.Verb, e.Object, e.Cause)
			case e.Cause >= e.Seq:
				t.Errorf("#%d has a cause that came later, #%d", e.Seq, e.Cause)
			}
		}
	})
	t.Run("containers go back to the request", func(t *testing.T) {
		starts := pick(events, func(e trace.Event) bool { return e.Kind == trace.CRICall && e.Verb == "StartContainer" })
		if len(starts) != 3 {
			t.Fatalf("%d containers were started, want 3", len(starts))
		}
		for _, start := range starts {
			chain := why(events, start.Seq)
			if last := chain[len(chain)-1]; last.Seq != request.Seq {
				t.Errorf("#%d goes back to #%d %s %s, not to the request", start.Seq, last.Seq, last.Actor, last.Verb)
			}
			if !strings.HasPrefix(start.Actor, "kubelet@node-") {
				t.Errorf("#%d was started by %s", start.Seq, start.Actor)
			}
			for _, actor := range []string{"deployment-controller", "replicaset-controller", "kube-scheduler"} {
				if !slices.ContainsFunc(chain, func(e trace.Event) bool { return e.Actor == actor }) {
					t.Errorf("the chain of #%d does not pass %s", start.Seq, actor)
				}
			}
		}
	})
	t.Run("controllers show their source", func(t *testing.T) {
		for actor, folder := range map[string]string{
			"deployment-controller": "pkg/controller/deployment/", "replicaset-controller": "pkg/controller/replicaset/",
		} {
			written := pick(events, func(e trace.Event) bool { return e.Actor == actor && e.Writes() && e.Object.Kind != "Event" })
			if len(written) == 0 {
				t.Errorf("%s wrote nothing", actor)
			}
			for _, e := range written {
				framesIn(t, e, folder)
			}
		}
	})
	t.Run("three bindings", func(t *testing.T) {
		bindings := pick(events, func(e trace.Event) bool {
			return e.Actor == "kube-scheduler" && e.Verb == "create" && e.Subresource == "binding" && e.Error == ""
		})
		if len(bindings) != 3 {
			t.Errorf("the scheduler bound %d Pods, want 3", len(bindings))
		}
	})
	t.Run("the scheduler's reasons", func(t *testing.T) {
		scores := pick(events, func(e trace.Event) bool { return e.Kind == trace.SchedPhase && e.Verb == "score" })
		if len(scores) != 3 {
			t.Fatalf("%d Pods were scored, want 3", len(scores))
		}
		for _, e := range scores {
			if d := e.Detail.(*trace.SchedDetail); len(d.Score) != 3 || len(d.Score[0].Cells) != len(d.Plugins) || len(d.Plugins) == 0 {
				t.Errorf("#%d: %d rows and %d plugins, want 3 nodes with every plugin", e.Seq, len(d.Score), len(d.Plugins))
			}
		}
		for _, e := range pick(events, func(e trace.Event) bool { return e.Kind == trace.SchedPhase && e.Verb == "filter" }) {
			if d := e.Detail.(*trace.SchedDetail); len(d.Filter) != 3 || len(d.Filter[0].Results) != len(d.Plugins) {
				t.Errorf("#%d: %d rows and %d plugins, want 3 nodes with every plugin", e.Seq, len(d.Filter), len(d.Plugins))
			}
		}
	})
	t.Run("the stages of the request", func(t *testing.T) {
		for _, stage := range []string{trace.StageAuthentication, trace.StageFairness, trace.StageAuthorization, trace.StageMutating,
			trace.StageValidating, trace.StageStorage} {
			found := pick(events, func(e trace.Event) bool { return e.Cause == request.Seq && e.Kind == trace.APIStage && e.Verb == stage })
			if len(found) == 0 {
				t.Errorf("the request has no stage %s", stage)
			}
		}
	})
	t.Run("the last status update", func(t *testing.T) {
		updates := pick(events, func(e trace.Event) bool {
			return e.Actor == "deployment-controller" && e.Object.Kind == "Deployment" && e.Subresource == "status" && e.Error == ""
		})
		if len(updates) == 0 {
			t.Fatal("the Deployment's status was never updated")
		}
		raw, err := updates[len(updates)-1].Detail.(*trace.RequestDetail).Response.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Status struct{ AvailableReplicas int }
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		if d.Status.AvailableReplicas != 3 {
			t.Errorf("the last update says that %d Pods are available, want 3", d.Status.AvailableReplicas)
		}
	})
}

// framesIn expects a call stack with a function of the folder on it.
func framesIn(t *testing.T, e trace.Event, folder string) {
	t.Helper()
	if !slices.ContainsFunc(e.Frames, func(f trace.Frame) bool { return strings.HasPrefix(f.File, folder) && f.Line > 0 }) {
		t.Errorf("#%d %s %s %s: no frame in %s: %v", e.Seq, e.Actor, e.Verb, e.Object, folder, e.Frames)
	}
}

func TestTraceOnARunningLab(t *testing.T) {
	u := newUser(t)
	l := u.up(t, "--nodes", "1")
	l.kubectl(t, "create", "configmap", "before")
	events := traced(t, u, "--", "create", "configmap", "mine", "--from-literal=a=b")
	for _, e := range events {
		if e.Object.Name == "before" {
			t.Errorf("#%d is about something that this command did not cause", e.Seq)
		}
	}
	commits := pick(events, func(e trace.Event) bool { return e.Kind == trace.EtcdCommit && e.Object.Name == "mine" })
	if len(commits) != 1 {
		t.Errorf("%d commits of the ConfigMap, want 1", len(commits))
	}
	if r := u.run(t, "", "trace", "--", "get", "pod", "nobody"); r.code != 1 || !strings.Contains(r.stderr, "not found") {
		t.Errorf("kubectl's failure gives %+v, want its message and exit code 1", r)
	}
}

func TestTraceInTheBackground(t *testing.T) {
	u := newUser(t)
	l := u.up(t, "--nodes", "1")
	for _, background := range []bool{false, true} {
		name := fmt.Sprintf("later-%t", background)
		args := []string{"trace", "--json", "--", "get", "configmaps", "--watch", "--output-watch-events"}
		if background {
			args = slices.Insert(args, 1, "--background")
		}
		cmd := u.command(t, args...)
		var out bytes.Buffer
		told := newLines()
		cmd.Stdout, cmd.Stderr = &out, told
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told.await(t, "kube-root-ca.crt", time.Minute)
		l.kubectl(t, "create", "configmap", name)
		told.await(t, name, time.Minute)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("an interrupted trace ends with %v, want exit code 1: %s", err, told)
		}
		if got := strings.Contains(out.String(), `"verb":"create","object":{"apiVersion":"v1","kind":"ConfigMap","namespace":"default","name":"`+name+`"`); got != background {
			t.Errorf("with --background=%t, what another kubectl did is there: %t", background, got)
		}
	}
}

func TestTraceStopsAtBreakpoints(t *testing.T) {
	u := newUser(t)
	r := u.run(t, "held\nwhy 99999999\nb kubelet@* StartContainer\nc\nstep\nc\n",
		"trace", "--nodes", "1", "--break", "kube-scheduler create pods/binding", "--",
		"run", "web", "--image=kubestep.dev/web:v1")
	if r.code != 0 {
		t.Fatalf("got %+v", r)
	}
	rest := r.stderr
	for _, want := range []string{
		"kubectl  create pod/default/web",
		"held 1  kube-scheduler wants: create pod/default/web (binding)",
		"pkg/scheduler/framework/plugins/defaultbinder/default_binder.go:",
		"there is no event #99999999",
		"kube-scheduler  create pod/default/web (binding)",
		"kubelet@node-1 wants: StartContainer web pod/default/web",
	} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("no %q, in this order, in:\n%s", want, r.stderr)
		}
		rest = after
	}
	expect(t, r.stdout, "StartContainer web pod/default/web")
}

func TestRecordingHoldsWhatWasTraced(t *testing.T) {
	u := newUser(t)
	file := filepath.Join(u.home, "run.ks")
	if r := u.run(t, "", "trace", "--nodes", "1", "--out", file, "--", "create", "configmap", "c"); r.code != 0 {
		t.Fatalf("got %+v", r)
	}
	header, store := readRecording(t, file)
	if header.Kubernetes != kubernetes || header.Nodes != 1 || strings.Join(header.Command, " ") != "kubectl create configmap c" {
		t.Errorf("the header says %+v", header)
	}
	found := false
	for _, e := range store.Since(0).Events {
		found = found || e.Kind == trace.EtcdCommit && e.Object.Name == "c"
	}
	if !found {
		t.Error("the recording lacks the commit")
	}
}
