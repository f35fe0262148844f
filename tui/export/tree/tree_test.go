package tree_test

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/export/tree"
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

// packets are the first two packets of a connection to a Service, with the query before it.
func packets() []trace.Event {
	client := trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "client"}
	addr := netip.MustParseAddrPort
	var list []trace.Event
	add := func(e trace.Event) {
		e.Seq = uint64(len(list) + 1)
		if e.Cause == 0 {
			e.Cause, e.CauseLink = e.Seq-1, trace.Exact
		}
		list = append(list, e)
	}
	hop := func(d trace.HopDetail, h trace.Headers) {
		if d.Verdict == "" {
			d.Verdict = "forwarded"
		}
		d.Data = trace.NewPacket(nil, func([]byte) *trace.Headers { return &h })
		e := trace.Event{Kind: trace.NetHop, Actor: "network@" + d.Node, Verb: d.Point, Detail: &d}
		if before := list[len(list)-1]; before.Kind != trace.NetHop {
			e.Cause, e.CauseLink = 1, trace.Exact
		} else if d.Packet != before.Detail.(*trace.HopDetail).Packet {
			e.Cause, e.CauseLink = before.Seq, trace.Inferred
		}
		add(e)
	}
	tcp := func(src, dst string, ttl uint8, flags string, payload int) trace.Headers {
		s, d := addr(src), addr(dst)
		return trace.Headers{IPv4: &trace.IPv4{Src: s.Addr(), Dst: d.Addr(), TTL: ttl},
			TCP: &trace.TCP{SrcPort: s.Port(), DstPort: d.Port(), Flags: flags}, Payload: payload}
	}
	tunnel := func(inner trace.Headers) trace.Headers {
		return trace.Headers{IPv4: &trace.IPv4{Src: netip.MustParseAddr("192.168.50.11"), Dst: netip.MustParseAddr("192.168.50.12"),
			TTL: 64}, UDP: &trace.UDP{SrcPort: 51000, DstPort: 8472}, VXLAN: &trace.VXLAN{VNI: 1}, Inner: &inner}
	}
	const from, vip, web = "10.244.0.2:40000", "10.96.70.120:80", "10.244.1.2:8080"
	const rule = "default/web -> " + web
	add(trace.Event{Kind: trace.CRICall, Actor: "kubelet@node-1", Verb: "Exec", Object: client, Detail: &trace.CRIDetail{Name: "c"}})
	add(trace.Event{Kind: trace.DNSQuery, Actor: "pod default/client", Verb: "ask", Object: client, Detail: &trace.DNSDetail{
		Name: "web.default.svc.cluster.local.", Type: "A", Server: addr("10.96.0.10:53"), Rcode: "NOERROR",
		Answers: []string{"web.default.svc.cluster.local. 5 IN A 10.96.70.120"}}})
	hop(trace.HopDetail{Packet: 1, Node: "node-1", Namespace: "default/client", Device: "eth0", Direction: "out", Point: "veth"},
		tcp(from, vip, 64, "S", 0))
	hop(trace.HopDetail{Packet: 1, Node: "node-1", Device: "veth-client", Direction: "in", Point: "bridge", Rule: "for cni0 itself"},
		tcp(from, vip, 64, "S", 0))
	hop(trace.HopDetail{Packet: 1, Node: "node-1", Device: "cni0", Direction: "in", Point: "prerouting", Rule: rule,
		NAT: &trace.NAT{Kind: "DNAT", Before: trace.FiveTuple{Src: addr(from), Dst: addr(vip)},
			After: trace.FiveTuple{Src: addr(from), Dst: addr(web)}}}, tcp(from, web, 64, "S", 0))
	hop(trace.HopDetail{Packet: 1, Node: "node-1", Device: "cni0", Direction: "in", Point: "routing",
		Rule: "route 10.244.1.0/24 via 10.244.1.0 dev flannel.1"}, tcp(from, web, 64, "S", 0))
	hop(trace.HopDetail{Packet: 1, Node: "node-1", Device: "flannel.1", Direction: "out", Point: "vxlan-encap"},
		tunnel(tcp(from, web, 63, "S", 0)))
	hop(trace.HopDetail{Packet: 1, Node: "node-1", Device: "eth0", Direction: "out", Point: "wire"}, tunnel(tcp(from, web, 63, "S", 0)))
	hop(trace.HopDetail{Packet: 1, Node: "node-2", Device: "eth0", Direction: "in", Point: "wire"}, tunnel(tcp(from, web, 63, "S", 0)))
	hop(trace.HopDetail{Packet: 1, Node: "node-2", Device: "flannel.1", Direction: "in", Point: "vxlan-decap"}, tcp(from, web, 63, "S", 0))
	hop(trace.HopDetail{Packet: 1, Node: "node-2", Namespace: "default/web", Device: "eth0", Direction: "in", Point: "veth",
		Verdict: "delivered"}, tcp(from, web, 62, "S", 0))
	hop(trace.HopDetail{Packet: 2, Reply: true, Node: "node-2", Namespace: "default/web", Device: "eth0", Direction: "out", Point: "veth"},
		tcp(web, from, 64, "PA", 120))
	hop(trace.HopDetail{Packet: 2, Reply: true, Node: "node-2", Device: "cni0", Direction: "in", Point: "forward", Verdict: "dropped",
		Reason: "network policy default/deny"}, tcp(web, from, 64, "PA", 120))
	return list
}

func TestWrite(t *testing.T) {
	for name, tt := range map[string]struct {
		events []trace.Event
		o      tree.Options
	}{
		"acts": {events(), tree.Options{}}, "all": {events(), tree.Options{All: true}},
		"packets": {packets(), tree.Options{}}, "packets-all": {packets(), tree.Options{All: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := tree.Write(&out, tt.events, tt.o); err != nil {
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
