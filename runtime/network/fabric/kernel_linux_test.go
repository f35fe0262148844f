package fabric

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/network"
)

// fabricNode is the fabric's node with test ends in its ports.
type fabricNode struct {
	l    *lab
	node *Node
	pods [2]*Pod
	wire *port
	out  []output
}

func newFabricNode(t *testing.T, mode Mode) *fabricNode {
	l := newLab(t, Config{Mode: mode, Seed: 1}, func(c *NodeConfig) { c.PodMTU = 1500 })
	v := &fabricNode{l: l, node: l.nodes["node-1"]}
	for _, p := range l.pods {
		p.Close()
	}
	services := []Service{web("10.244.2.2:8080"), web("10.244.1.3:8080"), web("10.244.2.2:8080"), web("10.244.1.3:8080")}
	services[1].ClusterIP, services[3].ClusterIP = ip("10.96.0.11"), ip("10.96.0.11")
	services[2].Protocol, services[3].Protocol = "udp", "udp"
	services[0].NodePort, services[2].NodePort = 30080, 30080
	l.services(services...)
	capture := func(at int) func(p *packet) {
		return func(p *packet) { v.out = append(v.out, output{at, bytes.Clone(p.data)}) }
	}
	l.inRun(func() {
		n := v.node
		if mode == HostGW {
			n.eth0.mtu = 1400
			n.hostRoutes()
		}
		for i := range v.pods {
			p := &Pod{node: n, port: &port{name: fmt.Sprintf("a%d", i+1), deliver: capture(i)}}
			v.pods[i] = p
			n.bridge.plug(p.port)
		}
		l.f.wire.unplug(l.f.byName["gateway"].uplink)
		l.f.wire.unplug(l.nodes["node-2"].uplink)
		v.wire = &port{name: "tester", deliver: capture(atWire)}
		l.f.wire.plug(v.wire)
	})
	return v
}

func (v *fabricNode) send(at int, frame []byte) []output {
	v.l.inRun(func() {
		v.out = nil
		p := &packet{id: v.l.f.newID(), data: bytes.Clone(frame)}
		if at == atWire {
			v.l.f.carry(p, v.wire)
		} else {
			v.node.bridgeInput(v.pods[at], p)
		}
	})
	v.l.quiet()
	var out []output
	v.l.inRun(func() { out = v.out })
	return out
}

// describe makes outputs comparable: in no order, without what a kernel chooses at random for packets of its own.
func describe(node *Node, out []output) (lines []string) {
	for _, o := range out {
		b := bytes.Clone(o.frame)
		note := ""
		if binary.BigEndian.Uint16(b[12:]) == etherIPv4 {
			b = b[:etherLen+int(binary.BigEndian.Uint16(b[etherLen+2:]))]
			h := network.Parse(b)
			note = " " + words(&network.Hop{Data: traceFrame(b)})
			if inner := tunnelled(node, b); inner != nil {
				note = fmt.Sprintf(" tunnel, checksum %t", binary.BigEndian.Uint16(b[etherLen+26:]) != 0)
				blank(b[etherLen+4:], 2)  // identification
				blank(b[etherLen+10:], 2) // and the checksum over it
				blank(b[etherLen+20:], 2) // source port, a hash of the kernel's own
				blank(b[etherLen+26:], 2) // and its checksum
				note += " " + words(&network.Hop{Data: traceFrame(inner)}) + hideOwn(node, inner)
			} else {
				note += hideOwn(node, b)
			}
			if h.Malformed != "" || h.IPv4.BadChecksum {
				note += " MALFORMED " + h.Malformed
			}
		}
		lines = append(lines, fmt.Sprintf("at %d:%s %x", o.at, note, b))
	}
	slices.Sort(lines)
	return lines
}

// hideOwn blanks what a node chooses at random for the packets that it sends itself: the identification, and whether
// echo replies may be fragmented.
func hideOwn(node *Node, frame []byte) (problem string) {
	ip := frame[etherLen:]
	h := network.Parse(frame)
	if h.Malformed != "" || h.IPv4.BadChecksum {
		problem = " MALFORMED " + h.Malformed
	}
	// Errors from behind a translation have its address, so the node's own are not told from others.
	if isICMPError(ip) || node.owns(srcOf(ip)) && h.ICMP != nil && h.ICMP.Type == icmpEchoReply ||
		node.owns(srcOf(ip)) && ip[9] == protoICMP && isFragment(ip) {
		blank(ip[4:], 2)
		ip[6] &^= flagDF
		blank(ip[10:], 2)
	}
	return problem
}

func blank(b []byte, n int) { clear(b[:n]) }

// tunnelled returns the frame in a frame of the node's tunnel, nil when it is none.
func tunnelled(node *Node, frame []byte) []byte {
	ip := frame[etherLen:]
	if node.f.cfg.Mode != VXLAN || srcOf(ip) != node.address || ip[9] != protoUDP || isFragment(ip) || len(ip) < 36+etherLen ||
		binary.BigEndian.Uint16(ip[22:]) != network.VXLANPort {
		return nil
	}
	return ip[36:]
}

func traceFrame(b []byte) *trace.Packet { return trace.NewPacket(b, network.Parse) }

// testPolicies are what policyScript is in nftables.
func testPolicies() []Policy {
	prefix := netip.MustParsePrefix
	return []Policy{
		{Name: "default/egress1", Pods: []netip.Addr{ip("10.244.1.2")}, IsolatesEgress: true, Egress: []PolicyRule{
			{Peers: []Peer{{Block: prefix("10.244.1.0/24")}}},
			{Peers: []Peer{{Pods: []netip.Addr{ip("10.244.2.2")}}}, Ports: []PolicyPort{{Protocol: "tcp", Port: 8000, EndPort: 8100}}},
			{Peers: []Peer{{Block: prefix("93.184.216.0/24")}}, Ports: []PolicyPort{{Protocol: "udp", Port: 8080}}},
		}},
		{Name: "default/ingress2", Pods: []netip.Addr{ip("10.244.1.3")}, IsolatesIngress: true, Ingress: []PolicyRule{
			{Peers: []Peer{{Pods: []netip.Addr{ip("10.244.1.2")}}}, Ports: []PolicyPort{{Protocol: "tcp", Port: 8080}}},
			{Peers: []Peer{{Block: prefix("10.244.2.0/24"), Except: []netip.Prefix{prefix("10.244.2.3/32")}}}},
		}},
	}
}

// TestAgainstKernel sends the same random packets through a Linux kernel's namespace and through the fabric's node and
// compares what comes out, to the byte: ARP, bridging, forwarding, TTL, ICMP errors, fragmentation and reassembly,
// connection tracking, DNAT, masquerading, translation of ICMP errors, VXLAN both ways and what is no right VXLAN, network
// policies. Run with -v for the counts.
func TestAgainstKernel(t *testing.T) {
	for _, test := range []struct {
		name     string
		mode     Mode
		script   string
		policies []Policy
	}{
		{"host-gw", HostGW, hostGWScript, nil},
		{"vxlan", VXLAN, vxlanScript, nil},
		{"host-gw with policies", HostGW, hostGWScript + policyScript, testPolicies()},
		{"vxlan with policies", VXLAN, vxlanScript + policyScript, testPolicies()},
	} {
		t.Run(test.name, func(t *testing.T) { // its thread is thrown away
			v := newFabricNode(t, test.mode)
			v.l.policies(test.policies...)
			peer := v.l.nodes["node-2"].tunnelHW
			links := strings.NewReplacer("$POD_LINK", net.HardwareAddr(v.node.bridgeHW[:]).String(), "$WIRE_LINK",
				net.HardwareAddr(v.node.eth0HW[:]).String(), "$TUNNEL_LINK", net.HardwareAddr(v.node.tunnelHW[:]).String(),
				"$PEER_LINK", net.HardwareAddr(peer[:]).String())
			k := newKernelNode(t, links.Replace(kernelScript+test.script))
			g := &traffic{rng: rand.New(rand.NewPCG(testSeed(t), 2)), node: v.node, peer: peer, mtu: 1400}
			if test.mode == VXLAN {
				g.mtu = v.node.flannel.mtu
			}
			meet(t, v, k)
			exchange(t, v, k, g)
		})
	}
}

// testSeed returns what KUBESTEP_KERNEL_SEED says, for packets that no run has sent before.
func testSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("KUBESTEP_KERNEL_SEED")
	if text == "" {
		return 1
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// meet lets node and neighbours learn each other's addresses.
func meet(t *testing.T, v *fabricNode, k *kernelNode) {
	t.Helper()
	asks := func(i int) (at int, frame []byte) {
		n := testNeighbours[i]
		target := v.node.bridgeAddr
		if n.at == atWire {
			target = v.node.address
		}
		return n.at, arpFrame(arpRequest, testHW(n.at, n.addr), n.addr, broadcast, target)
	}
	for i := range 3 { // a bridge's port forwards a moment after it came up
		at, ask := asks(i)
		waitFor(t, "for the kernel's node", func() bool { return len(k.send(t, at, ask, 1)) > 0 })
	}
	k.send(t, atA1, arpFrame(arpRequest, hwaddr{2}, ip4{}, broadcast, ip4{}), 3) // what is left of that
	for i, n := range testNeighbours {
		at, ask := asks(i)
		compare(t, v, k, at, [][]byte{ask}, "ARP request of "+n.addr.String())
	}
}

// exchange compares what becomes of random packets.
func exchange(t *testing.T, v *fabricNode, k *kernelNode, g *traffic) {
	t.Helper()
	count := 1000
	if testing.Short() {
		count = 200
	}
	kinds := map[string]int{}
	for i := 0; i < count && !t.Failed(); i++ {
		if i%200 == 0 { // before anybody's ARP entry grows stale
			for _, n := range testNeighbours {
				v.l.inRun(func() {
					table := v.node.arpCNI0
					if n.at == atWire {
						table = v.node.arpEth0
					}
					table.learn(n.addr, testHW(n.at, n.addr), true)
				})
			}
		}
		at, frames, what := g.next()
		out := compare(t, v, k, at, frames, what)
		if len(out) == 0 {
			kinds["nothing"]++
		}
		for _, o := range out {
			kinds[kindOfOutput(t, v.node, &o)]++
			g.seen = append(g.seen, o)
		}
		if len(g.seen) > 50 {
			g.seen = g.seen[len(g.seen)-50:]
		}
	}
	t.Logf("compared: %v", kinds)
}

// kindOfOutput names what came out, and takes it out of the tunnel.
func kindOfOutput(t *testing.T, node *Node, o *output) (kind string) {
	t.Helper()
	if inner := tunnelled(node, o.frame); inner != nil {
		kind = "tunnelled "
		if !udpChecksumRight(o.frame[etherLen:]) {
			t.Errorf("the tunnel's checksum is wrong: %x", o.frame)
		}
		o.frame = inner
	}
	switch h := network.Parse(o.frame); {
	case h.ICMP != nil:
		return kind + h.ICMP.Name
	case h.IPv4 != nil && (h.IPv4.MoreFragments || h.IPv4.FragmentOffset > 0):
		return kind + "fragment"
	}
	return kind + "other"
}

// compare sends frames to both nodes and returns what the fabric's let out.
func compare(t *testing.T, v *fabricNode, k *kernelNode, at int, frames [][]byte, what string) (all []output) {
	t.Helper()
	var kernel []output
	for _, b := range frames {
		out := v.send(at, b)
		all = append(all, out...)
		kernel = append(kernel, k.send(t, at, b, len(out))...)
	}
	got, want := describe(v.node, all), describe(v.node, kernel)
	if !slices.Equal(got, want) {
		t.Errorf("%s, in at %d:\n%x\nfabric:\n%s\nkernel:\n%s", what, at, frames, strings.Join(got, "\n"),
			strings.Join(want, "\n"))
	}
	return all
}
