package gate

import (
	"errors"
	"slices"
	"testing"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

func hop(device, rule, flags string, o trace.Object, point string) *trace.Event {
	headers := &trace.Headers{TCP: &trace.TCP{Flags: flags}}
	if point == "vxlan-encap" || point == "wire" {
		headers = &trace.Headers{UDP: &trace.UDP{DstPort: 8472}, VXLAN: &trace.VXLAN{VNI: 1}, Inner: headers}
	}
	if point == "bridge" {
		headers = &trace.Headers{ARP: &trace.ARP{Op: 1}}
	}
	direction := "out"
	if point == "bridge" || point == "prerouting" {
		direction = "in"
	}
	return &trace.Event{Kind: trace.NetHop, Actor: "network@node-1", Verb: point, Object: o, Detail: &trace.HopDetail{
		Point: point, Direction: direction, Device: device, Rule: rule, Data: trace.NewPacket(nil, func([]byte) *trace.Headers { return headers }),
	}}
}

func TestPatternOfHops(t *testing.T) {
	client := trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "client"}
	veth := hop("eth0", "", "S", client, "veth")
	nat := hop("cni0", "default/web -> 10.244.2.2:8080", "S", trace.Object{}, "prerouting")
	encap := hop("flannel.1", "", "S", trace.Object{}, "vxlan-encap")
	wire := hop("eth0", "", "PA", trace.Object{}, "wire")
	for _, e := range []*trace.Event{encap, wire} {
		e.Detail.(*trace.HopDetail).From, e.Detail.(*trace.HopDetail).To = "default/client", "shop/web"
	}
	veth.Detail.(*trace.HopDetail).Namespace, veth.Detail.(*trace.HopDetail).From = "default/client", "default/client"
	last := hop("eth0", "", "S", trace.Object{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "web"}, "veth")
	last.Detail.(*trace.HopDetail).Namespace = "shop/web"
	last.Detail.(*trace.HopDetail).From, last.Detail.(*trace.HopDetail).To = "default/client", "shop/web"
	arp := hop("veth-client", "flooded to all ports", "", trace.Object{}, "bridge")
	all := []*trace.Event{veth, nat, encap, wire, last, arp}
	for pattern, want := range map[string][]*trace.Event{
		"net.hop":                                all,
		"veth":                                   {veth, last},
		"net.hop pod/default/client":             {veth, encap, wire, last},
		"net.hop pod/shop/web":                   {encap, wire, last},
		"wire pod/shop/web":                      {wire},
		"net.hop ns=shop name=web":               {encap, wire, last},
		"net.hop ns=shop name=client":            nil,
		"net.hop !pod/shop/*":                    {veth, nat, arp},
		"net.hop pod/default/client !ns=shop":    {veth},
		"net.hop pod/web":                        {encap, wire, last},
		"veth pod/shop/web":                      {last},
		"veth,wire pod/default/client":           {veth, wire},
		"net.hop pod/db":                         nil,
		"network@node-1 prerouting":              {nat},
		"network veth,wire":                      {veth, wire, last},
		"net.hop device=eth0 tcp=S":              {veth, last},
		"net.hop rule=default/web":               {nat},
		"vxlan-encap tcp=s":                      {encap},
		"net.hop protocol=arp":                   {arp},
		"net.hop protocol=tcp":                   {veth, nat, encap, wire, last},
		"net.hop protocol=udp,icmp":              nil,
		"net.hop direction=in":                   {nat, arp},
		"veth pod/default/client direction=out":  {veth},
		"net.hop tcp=S !vxlan-encap !prerouting": {veth, last},
	} {
		p, err := Parse(pattern)
		if err != nil {
			t.Error(err)
			continue
		}
		var got []*trace.Event
		for _, e := range all {
			if p.Match(e) {
				got = append(got, e)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q matches %d hops, want %d, or others", pattern, len(got), len(want))
		}
	}
}

// TestFollowPods looks at packets only while something about packets that names Pods can be held.
func TestFollowPods(t *testing.T) {
	g := New()
	do := func(verb engine.Verb, pattern string) {
		t.Helper()
		if _, err := g.Do(t.Context(), engine.Command{Verb: verb, Pattern: pattern}); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"pod/default/client", "net.hop", "wire tcp=S", "net.hop pods", "net.hop !pod/default/client"} {
		do(engine.Break, pattern)
		if g.FollowPods() != nil {
			t.Errorf("%q makes packets be looked at", pattern)
		}
	}
	do(engine.Break, "net.hop veth pod/default/cl*")
	do(engine.Break, "net.hop ns=shop")
	follow := g.FollowPods()
	if follow == nil {
		t.Fatal("nothing is followed")
	}
	for pod, want := range map[string]bool{"default/client": true, "default/web": false, "kube-system/client": false, "shop/web": true} {
		if follow(pod) != want {
			t.Errorf("%s is followed: %t", pod, !want)
		}
	}
	do(engine.Unbreak, "net.hop ns=shop")
	do(engine.Unbreak, "net.hop veth pod/default/cl*")
	do(engine.Follow, "pod/default/web")
	if follow := g.FollowPods(); follow == nil || !follow("default/web") || follow("default/client") {
		t.Error("follow does not follow the Pod that it names")
	}
	for _, pattern := range []string{"pods", "net.hop", "veth pod/default/web"} {
		if _, err := g.Do(t.Context(), engine.Command{Verb: engine.Follow, Pattern: pattern}); !errors.Is(err, engine.ErrUsage) {
			t.Errorf("follow %q: %v, want a usage error", pattern, err)
		}
	}
	if s := g.State(); !slices.Equal(s.Following, []string{"pod/default/web"}) || s.Mode != engine.Run {
		t.Errorf("the state is %+v", s)
	}
	do(engine.Unfollow, "pod/default/web")
	if g.FollowPods() != nil {
		t.Error("packets are looked at when no breakpoint is about them")
	}
}
