package scene

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

// Busy returns a store with what [Recording] has and more of everything that a view shows: a client that looks up a
// Service and requests it across nodes while its Deployment rolls to a second ReplicaSet, a packet that is dropped, a Pod
// that fits on no node, and names as long as they get.
func Busy() *trace.Store {
	b := &busy{store: Recording()}
	_, b.seq = b.store.Len()
	b.objects()
	b.network()
	b.rolling()
	b.pending()
	return b.store
}

type busy struct {
	store    *trace.Store
	seq      uint64
	revision int64
}

func (b *busy) put(e trace.Event) {
	b.seq++
	e.Seq, e.Time = b.seq, Start().Add(time.Duration(b.seq)*17*time.Millisecond)
	b.store.Load(e)
}

func (b *busy) commit(key string, o trace.Object, before, after m) {
	b.revision++
	it := commit("", "", 400+b.revision, o, before, after)
	it.event.Detail.(*trace.CommitDetail).Key = key
	b.put(it.event)
}

// longest is as long as the name of a Pod may be that has a ReplicaSet.
const longest = "a-deployment-whose-name-is-as-long-as-anybody-would-make-it"

func (b *busy) objects() {
	service := trace.Object{APIVersion: "v1", Kind: "Service", Namespace: "default", Name: "web", UID: "uid-svc-web"}
	b.commit("/registry/services/specs/default/web", service, nil,
		m{"metadata": m{"name": "web"}, "spec": m{"type": "ClusterIP", "clusterIP": "10.96.0.20", "selector": m{"app": "web"}}})
	client := trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "client", UID: "uid-client"}
	b.commit("/registry/pods/default/client", client, nil, m{"metadata": m{"name": "client"}, "spec": m{"nodeName": "node-1"},
		"status": m{"phase": "Running", "podIP": "10.244.1.2", "containerStatuses": []m{{"ready": true}}}})
	long := trace.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "a-namespace-of-another-team", Name: longest, UID: "uid-long"}
	b.commit("/registry/deployments/"+long.Namespace+"/"+longest, long, nil, m{"metadata": m{"name": longest}, "spec": m{"replicas": 12}, "status": m{"readyReplicas": 3}})
}

func (b *busy) network() {
	server := netip.MustParseAddrPort("10.96.0.10:53")
	ask := trace.DNSDetail{Host: "web", Lookup: 7, Type: "A", Search: []string{"default.svc.cluster.local", "svc.cluster.local"}, Ndots: 5, Server: server, Transport: "udp", RTTMs: 0.4}
	for _, name := range []string{"web.other.svc.cluster.local.", "web.default.svc.cluster.local."} {
		d := ask
		if d.Name, d.Rcode = name, "NXDOMAIN"; name == "web.default.svc.cluster.local." {
			d.Rcode, d.Answers = "NOERROR", []string{name + "\t30\tIN\tA\t10.96.0.20"}
		}
		b.put(trace.Event{Kind: trace.DNSQuery, Actor: "pod default/client", Verb: "ask", Detail: &d})
	}
	again := ask
	again.Lookup, again.Name, again.Rcode, again.Host = 8, longest+".default.svc.cluster.local.", "SERVFAIL", longest
	b.put(trace.Event{Kind: trace.DNSQuery, Actor: "pod default/client", Verb: "ask", Detail: &again})

	client, service, pod := netip.MustParseAddrPort("10.244.1.2:40000"), netip.MustParseAddrPort("10.96.0.20:80"), netip.MustParseAddrPort("10.244.2.5:80")
	syn := func(dst netip.AddrPort, ttl uint8) *trace.Headers {
		return &trace.Headers{IPv4: &trace.IPv4{Src: client.Addr(), Dst: dst.Addr(), TTL: ttl, Protocol: 6},
			TCP: &trace.TCP{SrcPort: client.Port(), DstPort: dst.Port(), Flags: "S"}}
	}
	tunnel := &trace.Headers{IPv4: &trace.IPv4{Src: netip.MustParseAddr("192.168.50.11"), Dst: netip.MustParseAddr("192.168.50.12"), TTL: 64, Protocol: 17},
		UDP: &trace.UDP{SrcPort: 51000, DstPort: 8472}, VXLAN: &trace.VXLAN{VNI: 1}, Inner: syn(pod, 63)}
	packet := func(h *trace.Headers) *trace.Packet {
		return trace.NewPacket([]byte("SYN"), func([]byte) *trace.Headers { return h })
	}
	nat := &trace.NAT{Kind: "DNAT", Before: trace.FiveTuple{Protocol: "tcp", Src: client, Dst: service}, After: trace.FiveTuple{Protocol: "tcp", Src: client, Dst: pod}}
	for i, d := range []trace.HopDetail{
		{Node: "node-1", Namespace: "default/client", Point: "veth", Device: "eth0", Direction: "out", Data: packet(syn(service, 64)), Verdict: "forwarded"},
		{Node: "node-1", Point: "prerouting", Device: "cni0", Direction: "in", Data: packet(syn(pod, 64)), Verdict: "forwarded", Rule: "default/web -> 10.244.2.5:80", NAT: nat},
		{Node: "node-1", Point: "routing", Device: "cni0", Direction: "in", Data: packet(syn(pod, 64)), Verdict: "forwarded", Rule: "route 10.244.2.0/24 via 10.244.2.0 dev flannel.1"},
		{Node: "node-1", Point: "vxlan-encap", Device: "flannel.1", Direction: "out", Data: packet(tunnel), Verdict: "forwarded"},
		{Node: "node-2", Point: "vxlan-decap", Device: "flannel.1", Direction: "in", Data: packet(syn(pod, 63)), Verdict: "forwarded"},
		{Node: "node-2", Point: "forward", Device: "cni0", Direction: "out", Data: packet(syn(pod, 62)), Verdict: "dropped", Reason: "policy default/deny"},
	} {
		d.Packet, d.Flow, d.TTL = 1, 1, 64-max(i-3, 0)
		b.put(trace.Event{Kind: trace.NetHop, Actor: "network@" + d.Node, Verb: d.Point, Detail: &d})
	}
}

// rolling rolls the Deployment "web" to a second ReplicaSet while the client counts.
func (b *busy) rolling() {
	template := func(version string) m {
		return m{"metadata": m{"labels": m{"app": "web"}}, "spec": m{"containers": []m{{"name": "web", "image": "kubestep.dev/web:" + version}}}}
	}
	d := object("apps/v1", "Deployment", "web")
	b.commit("/registry/deployments/default/web", d, nil, m{"metadata": m{"name": "web"}, "spec": m{"replicas": 2, "template": template("v2"),
		"selector": m{"matchLabels": m{"app": "web"}}}, "status": m{"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2}})
	for i, name := range []string{replicaSet, "web-7d9f6b8c4"} {
		rs := object("apps/v1", "ReplicaSet", name)
		b.commit("/registry/replicasets/default/"+name, rs, nil, m{"metadata": m{"name": name, "ownerReferences": ownedBy("Deployment", "web"),
			"annotations": m{"deployment.kubernetes.io/revision": fmt.Sprint(i + 1)}}, "spec": m{"replicas": 1, "template": template(fmt.Sprintf("v%d", i+1))},
			"status": m{"replicas": 1, "readyReplicas": 1 - i, "availableReplicas": 1 - i}})
		o := trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "client", UID: "uid-client"}
		sum := &trace.RequestsDetail{URL: "http://web/", OK: 120 + 60*i, Failed: 2 * i, Answers: map[string]int{"web v1": 120, "web v2": 60 * i}}
		if i > 0 {
			sum.LastError = "no answer within 2s: i/o timeout"
		}
		b.put(trace.Event{Kind: trace.ProgramRequests, Actor: "pod default/client", Verb: "count", Object: o, Background: true, Detail: sum})
	}
}

// pending lets the scheduler try a Pod that fits on no node.
func (b *busy) pending() {
	big := object("v1", "Pod", "big")
	b.commit("/registry/pods/default/big", big, nil, m{"metadata": m{"name": "big"}, "status": m{"phase": "Pending"}})
	d := filterMatrix()
	d.Profile, d.Attempt = "default-scheduler", 1
	for i := range d.Filter {
		d.Filter[i].Results = []string{"pass", "pass", "fail"}
		d.Filter[i].Status, d.Filter[i].Reason = "Unschedulable", "Insufficient cpu"
	}
	b.put(trace.Event{Actor: "kube-scheduler", Kind: trace.SchedPhase, Verb: "filter", Object: big, Detail: &d})
}
