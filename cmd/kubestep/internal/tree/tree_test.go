package tree_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/tree"
	"github.com/kubestep/kubestep/engine/trace"
)

var update = flag.Bool("update", false, "write the golden files")

// events are a shortened run of `kubectl create deployment`.
func events() []trace.Event {
	deployment := trace.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}
	replicaSet := trace.Object{APIVersion: "apps/v1", Kind: "ReplicaSet", Namespace: "default", Name: "web-6d4"}
	pod := trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "web-6d4-x"}
	request := func(seq, cause uint64, actor, verb string, o trace.Object) trace.Event {
		e := trace.Event{Seq: seq, Cause: cause, Actor: actor, Kind: trace.APIRequest, Verb: verb, Object: o,
			Detail: &trace.RequestDetail{Status: 201}}
		if cause != 0 {
			e.CauseLink = trace.Inferred
		}
		return e
	}
	exact := func(seq, cause uint64, actor string, kind trace.Kind, verb string, o trace.Object) trace.Event {
		return trace.Event{Seq: seq, Cause: cause, CauseLink: trace.Exact, Actor: actor, Kind: kind, Verb: verb, Object: o}
	}
	create := request(1, 0, "kubectl", "create", deployment)
	create.Frames = []trace.Frame{{Func: "create.(*CreateDeploymentOptions).Run", File: "pkg/cmd/create/create_deployment.go", Line: 176}}
	stage := exact(2, 1, "kube-apiserver", trace.APIStage, trace.StageMutating, deployment)
	stage.Detail = &trace.StageDetail{Plugin: "ServiceAccount", Decision: "admitted"}
	commit := exact(3, 1, "etcd", trace.EtcdCommit, "put", deployment)
	commit.EtcdRevision, commit.Detail = 318, &trace.CommitDetail{Key: "/registry/deployments/default/web"}
	learnt := exact(4, 3, "kube-controller-manager", trace.WatchDeliver, "added", deployment)
	made := request(5, 4, "deployment-controller", "create", replicaSet)
	made.Frames = []trace.Frame{{Func: "deployment.(*DeploymentController).getNewReplicaSet", File: "pkg/controller/deployment/sync.go", Line: 232}}
	refused := request(6, 5, "replicaset-controller", "create", pod)
	refused.Detail, refused.Error = &trace.RequestDetail{Status: 403}, "exceeded\nquota"
	filter := exact(7, 5, "kube-scheduler", trace.SchedPhase, "filter", pod)
	reserve := exact(8, 7, "kube-scheduler", trace.SchedPhase, "reserve", pod)
	bind := request(9, 8, "kube-scheduler", "create", pod)
	bind.Subresource, bind.CauseLink = "binding", trace.Exact
	start := exact(10, 9, "kubelet@node-1", trace.CRICall, "StartContainer", pod)
	start.Detail, start.Open = &trace.CRIDetail{Name: "web"}, true
	lookup := request(11, 0, "kubectl", "get", trace.Object{})
	lookup.Detail = &trace.RequestDetail{URI: "/api/v1/namespaces/default", Status: 404}
	return []trace.Event{create, stage, commit, learnt, made, refused, filter, reserve, bind, start, lookup}
}

func TestWrite(t *testing.T) {
	for name, o := range map[string]tree.Options{"acts": {}, "all": {All: true}} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := tree.Write(&out, events(), o); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
			}
		})
	}
}
