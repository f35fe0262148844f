package cluster

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/kubernetes/pkg/proxy"
	"sigs.k8s.io/yaml"

	"github.com/kubestep/kubestep/runtime/network/fabric"
)

// seenFrom returns what the proxy of node-1 makes of Services and EndpointSlices.
func seenFrom(t *testing.T, topology map[string]string, specs []string, slices []string) []fabric.Service {
	t.Helper()
	services := proxy.NewServiceChangeTracker(corev1.IPv4Protocol, nil, nil)
	for _, text := range specs {
		s := &corev1.Service{}
		check(t, yaml.UnmarshalStrict([]byte(`{metadata: {namespace: default, name: web}, spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], internalTrafficPolicy: Cluster}}`), s))
		check(t, yaml.UnmarshalStrict([]byte(text), s))
		services.Update(nil, s)
	}
	endpoints := proxy.NewEndpointsChangeTracker(corev1.IPv4Protocol, "node-1", nil, nil)
	for i, text := range slices {
		s := &discoveryv1.EndpointSlice{}
		check(t, yaml.UnmarshalStrict([]byte(fmt.Sprintf(`{metadata: {namespace: default, name: web-%d, labels: {kubernetes.io/service-name: web}}, addressType: IPv4}`, i)), s))
		check(t, yaml.UnmarshalStrict([]byte(text), s))
		endpoints.EndpointSliceUpdate(s, false)
	}
	ports, of := proxy.ServicePortMap{}, proxy.EndpointsMap{}
	ports.Update(services)
	of.Update(endpoints)
	return servicesOf(ports, of, "node-1", topology)
}

// line writes a Service on one line.
func line(s fabric.Service) string {
	words := []string{fmt.Sprintf("%s:%s %s %v:%d", s.Name, s.PortName, s.Protocol, s.ClusterIP, s.Port)}
	add := func(when bool, format string, args ...any) {
		if when {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(s.NodePort != 0, "node port %d", s.NodePort)
	add(len(s.ExternalIPs) > 0, "external %v", s.ExternalIPs)
	add(len(s.LoadBalancerIPs) > 0, "load balancer %v", s.LoadBalancerIPs)
	add(len(s.SourceRanges) > 0, "from %v", s.SourceRanges)
	add(s.Affinity != 0, "affinity %v", s.Affinity)
	add(s.InternalLocal, "internal local")
	add(s.ExternalLocal, "external local")
	for _, e := range s.Endpoints {
		words = append(words, "> "+e.Addr.String())
		add(e.Node != "", "here")
		add(!e.Ready, "unready")
		add(e.Serving && !e.Ready, "serving")
		add(e.Terminating, "terminating")
	}
	return strings.Join(words, " ")
}

const (
	onePort  = `spec: {ports: [{name: http, port: 80, protocol: TCP}]}`
	twoReady = `{ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.2], nodeName: node-1}, {addresses: [10.244.2.2], nodeName: node-2}]}`
)

func TestServices(t *testing.T) {
	const web = "default/web:http tcp 10.96.0.10:80"
	for _, c := range []struct {
		name     string
		services []string
		slices   []string
		topology map[string]string
		want     []string
	}{
		{name: "cluster IP", services: []string{onePort}, slices: []string{twoReady}, want: []string{web + " > 10.244.1.2:8080 here > 10.244.2.2:8080"}},
		{name: "without endpoints", services: []string{onePort}, want: []string{web}},
		{name: "headless", services: []string{`spec: {clusterIP: None, clusterIPs: [None], ports: [{port: 80, protocol: TCP}]}`}, slices: []string{twoReady}},
		{name: "external name", services: []string{`spec: {type: ExternalName, externalName: example.com, ports: [{port: 80, protocol: TCP}]}`}},
		{name: "SCTP", services: []string{`spec: {ports: [{port: 80, protocol: SCTP}]}`}},
		{name: "ports are sorted", services: []string{`spec: {ports: [{name: b, port: 81, protocol: TCP}, {name: a, port: 53, protocol: UDP}]}`},
			want: []string{"default/web:a udp 10.96.0.10:53", "default/web:b tcp 10.96.0.10:81"}},
		{name: "node port", services: []string{`spec: {type: NodePort, ports: [{name: http, port: 80, protocol: TCP, nodePort: 30080}]}`},
			want: []string{web + " node port 30080"}},
		{name: "affinity", services: []string{`spec: {sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}, ports: [{name: http, port: 80, protocol: TCP}]}`},
			want: []string{web + " affinity 10m0s"}},
		{name: "external IPs", services: []string{`spec: {externalIPs: [192.168.50.200, "fd00::1"], ports: [{name: http, port: 80, protocol: TCP}]}`},
			want: []string{web + " external [192.168.50.200]"}},
		{name: "load balancer", services: []string{`{spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: http, port: 80, protocol: TCP, nodePort: 30080}], loadBalancerSourceRanges: [192.168.50.0/25, "fd00::/8"]}, status: {loadBalancer: {ingress: [{ip: 192.168.50.201}]}}}`},
			slices: []string{twoReady}, want: []string{web + " node port 30080 load balancer [192.168.50.201] from [192.168.50.0/25] external local > 10.244.1.2:8080 here > 10.244.2.2:8080"}},
		// All endpoints are handed on, so that "none here" is told from "none at all".
		{name: "internal traffic stays", services: []string{`spec: {internalTrafficPolicy: Local, ports: [{name: http, port: 80, protocol: TCP}]}`}, slices: []string{twoReady},
			want: []string{web + " internal local > 10.244.1.2:8080 here > 10.244.2.2:8080"}},
		{name: "unready endpoints are none", services: []string{onePort},
			slices: []string{`{ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.2], conditions: {ready: false, serving: false}}, {addresses: [10.244.1.3]}]}`},
			want:   []string{web + " > 10.244.1.3:8080"}},
		{name: "terminating endpoints serve when there are no others", services: []string{onePort},
			slices: []string{`{ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.2], conditions: {ready: false, serving: true, terminating: true}}, {addresses: [10.244.1.3], conditions: {ready: false, serving: false, terminating: true}}]}`},
			want:   []string{web + " > 10.244.1.2:8080 unready serving terminating"}},
		{name: "terminating endpoints give way", services: []string{onePort},
			slices: []string{`{ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.2], conditions: {ready: false, serving: true, terminating: true}}, {addresses: [10.244.1.3]}]}`},
			want:   []string{web + " > 10.244.1.3:8080"}},
		{name: "not ready addresses that are published", services: []string{onePort}, // the slice's controller makes them ready
			slices: []string{`{ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.2], conditions: {ready: true, serving: false}}]}`},
			want:   []string{web + " > 10.244.1.2:8080"}},
		{name: "slices of one Service", services: []string{onePort}, slices: []string{twoReady,
			`{ports: [{name: http, port: 9090, protocol: TCP}], endpoints: [{addresses: [10.244.2.9]}]}`},
			want: []string{web + " > 10.244.1.2:8080 here > 10.244.2.2:8080 > 10.244.2.9:9090"}},
		{name: "endpoints of another port", services: []string{onePort}, slices: []string{`{ports: [{name: admin, port: 9090, protocol: TCP}], endpoints: [{addresses: [10.244.2.9]}]}`},
			want: []string{web}},
		{name: "hints for this zone", services: []string{onePort}, topology: map[string]string{corev1.LabelTopologyZone: "one"},
			slices: []string{`{ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.2], hints: {forZones: [{name: one}]}}, {addresses: [10.244.2.2], hints: {forZones: [{name: two}]}}]}`},
			want:   []string{web + " > 10.244.1.2:8080"}},
		{name: "hints count only when all have them", services: []string{onePort}, topology: map[string]string{corev1.LabelTopologyZone: "one"},
			slices: []string{`{ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.2], hints: {forZones: [{name: one}]}}, {addresses: [10.244.2.2]}]}`},
			want:   []string{web + " > 10.244.1.2:8080 > 10.244.2.2:8080"}},
		{name: "hints for this node", services: []string{onePort},
			slices: []string{`{ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.2], nodeName: node-1, hints: {forNodes: [{name: node-1}]}}, {addresses: [10.244.2.2], hints: {forNodes: [{name: node-2}]}}]}`},
			want:   []string{web + " > 10.244.1.2:8080 here"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range seenFrom(t, c.topology, c.services, c.slices) {
				got = append(got, line(s))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestAddressesGoRound(t *testing.T) {
	a := newAddresses(cidr("10.1.0.0/29")) // .2 to .6
	for _, want := range []string{"10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6"} {
		if got, err := a.take(); err != nil || got.String() != want {
			t.Fatalf("got %v, %v, want %s", got, err, want)
		}
	}
	if got, err := a.take(); err == nil {
		t.Fatalf("a full range gave %v", got)
	}
	a.free(cidr("10.1.0.5/32").Addr())
	a.free(cidr("10.1.0.3/32").Addr())
	for _, want := range []string{"10.1.0.3", "10.1.0.5"} { // after the last one comes the first
		if got, err := a.take(); err != nil || got.String() != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
}
