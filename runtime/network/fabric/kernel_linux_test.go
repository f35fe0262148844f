package fabric

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/network"
)

// The node of the differential test has three places to plug into: two Pods on its bridge, and the wire.
const (
	atA1 = iota
	atA2
	atWire
)

// kernelScript makes a Linux network namespace the node that the fabric's node-1 is in host-gw mode.
const kernelScript = `set -e
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
  net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 net.ipv4.icmp_ratelimit=0 \
  net.ipv4.icmp_msgs_per_sec=1000000 net.bridge.bridge-nf-call-iptables=1
ip link set lo up
ip link add cni0 address %[1]s type bridge forward_delay 0
ip addr add 10.244.1.1/24 dev cni0
ip link set va1 master cni0 up
ip link set va2 master cni0 up
ip link set cni0 up
ip link set eth0 address %[2]s up
ip addr add 192.168.50.11/24 dev eth0
ip route add 10.244.2.0/24 via 192.168.50.12
ip route add default via 192.168.50.1
ip link set cni0 mtu 1500
ip link set eth0 mtu 1400
nft -f - <<NFT
table ip t {
  chain pre { type nat hook prerouting priority -100;
    ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.2.2:8080
    ip daddr 10.96.0.10 udp dport 80 dnat to 10.244.2.2:8080
    ip daddr 10.96.0.11 tcp dport 80 dnat to 10.244.1.3:8080
    ip daddr 10.96.0.11 udp dport 80 dnat to 10.244.1.3:8080
  }
  chain post { type nat hook postrouting priority 100;
    ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade
    ip saddr != 10.244.0.0/16 ct original ip daddr 10.96.0.0/16 masquerade
    ip saddr 10.244.1.3 ip daddr 10.244.1.3 masquerade
  }
}
NFT
`

// kernelNode is a Linux kernel's network namespace with packet sockets at the outer ends of its devices. It belongs to
// the goroutine that made it, whose thread is in a namespace of its own.
type kernelNode struct{ sockets [3]int }

// newKernelNode makes the node, or skips the test.
func newKernelNode(t *testing.T, script string) *kernelNode {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root: the fabric was not compared with the Linux kernel")
	}
	for _, tool := range []string{"ip", "nft", "nsenter", "unshare", "sysctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing: the fabric was not compared with the Linux kernel", tool)
		}
	}
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespaces here (%v): the fabric was not compared with the Linux kernel", err)
	}
	own, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "unshare", "-n", "sleep", "600")
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = node.Process.Kill()
		_ = node.Wait() // it was killed
	})
	waitFor(t, "for the node's namespace", func() bool {
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", node.Process.Pid))
		return err == nil && ns != own
	})
	run := func(script string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("this kernel or its tools cannot make the node (%v): not compared\n%s", err, out)
		}
	}
	var links strings.Builder
	for outer, inner := range map[string]string{"pa1": "va1", "pa2": "va2", "pwire": "eth0"} {
		fmt.Fprintf(&links, "ip link add %s type veth peer name %s netns %d\nip link set %s up\n", outer, inner,
			node.Process.Pid, outer)
	}
	run("set -e\n"+links.String(), "sh")
	run(script, "nsenter", "-t", fmt.Sprint(node.Process.Pid), "-n", "sh")
	k := &kernelNode{}
	for i, name := range []string{"pa1", "pa2", "pwire"} {
		link, err := net.InterfaceByName(name)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, int(htons(unix.ETH_P_ALL)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: link.Index}); err != nil {
			t.Fatal(err)
		}
		k.sockets[i] = fd
	}
	return k
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// send puts a frame into a device and returns what comes out of all of them, until want frames have come, or nothing more
// does.
func (k *kernelNode) send(t *testing.T, at int, frame []byte, want int) (out []output) {
	t.Helper()
	if _, err := unix.Write(k.sockets[at], frame); err == unix.ENOBUFS {
		return nil // the device is not up yet
	} else if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 65536)
	for {
		wait := 2 // ms; the kernel forwards before write returns, but for what it leaves to its soft interrupt thread
		if len(out) < want {
			wait = 200
		}
		var fds []unix.PollFd
		for _, fd := range k.sockets {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
		if n, err := unix.Poll(fds, wait); err == unix.EINTR {
			continue
		} else if err != nil || n == 0 {
			return out
		}
		for i, fd := range k.sockets {
			for {
				n, from, err := unix.Recvfrom(fd, buf, 0)
				if err != nil {
					break
				}
				if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
					continue
				}
				b := bytes.Clone(buf[:n])
				if a, ok := parseARP(b[etherLen:]); ok && a.op == arpRequest && b[0] != 0xff {
					k.confirm(i, a)
				} else if relevant(b) {
					out = append(out, output{i, b})
				}
			}
		}
	}
}

// confirm answers the kernel when it makes sure, some seconds after it used an address, that it is still right. The fabric
// is told in another way, as this depends on how fast the test runs.
func (k *kernelNode) confirm(at int, a arpPacket) {
	reply := arpFrame(arpReply, testHW(at, a.target), a.target, a.senderHW, a.sender)
	_, _ = unix.Write(k.sockets[at], reply) // or it asks again
}

// output is a frame that came out somewhere.
type output struct {
	at    int
	frame []byte
}

// relevant leaves out multicast: IPv6's housekeeping and IGMP.
func relevant(b []byte) bool {
	kind := binary.BigEndian.Uint16(b[12:])
	return kind == etherIPv4 && b[0]&1 == 0 || kind == etherARP
}

// fabricNode is the fabric's node with test ends in its ports.
type fabricNode struct {
	l    *lab
	node *Node
	pods [2]*Pod
	wire *port
	out  []output
}

func newFabricNode(t *testing.T) *fabricNode {
	l := newLab(t, Config{Mode: HostGW, Seed: 1})
	v := &fabricNode{l: l, node: l.nodes["node-1"]}
	for _, p := range l.pods {
		p.Close()
	}
	services := []Service{web("10.244.2.2:8080"), web("10.244.1.3:8080"), web("10.244.2.2:8080"), web("10.244.1.3:8080")}
	services[1].ClusterIP, services[3].ClusterIP = ip("10.96.0.11"), ip("10.96.0.11")
	services[2].Protocol, services[3].Protocol = "udp", "udp"
	l.services(services...)
	capture := func(at int) func(p *packet) {
		return func(p *packet) { v.out = append(v.out, output{at, bytes.Clone(p.data)}) }
	}
	l.inRun(func() {
		n := v.node
		n.eth0.mtu = 1400
		n.hostRoutes()
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
			ip := b[etherLen:]
			ip = ip[:binary.BigEndian.Uint16(ip[2:])]
			b = b[:etherLen+len(ip)]
			h := network.Parse(b)
			// Errors from behind a translation have its address, so the node's own are not told from others.
			own := isICMPError(ip) || node.owns(srcOf(ip)) && h.ICMP != nil && h.ICMP.Type == icmpEchoReply ||
				node.owns(srcOf(ip)) && ip[9] == protoICMP && isFragment(ip)
			if h.Malformed != "" || h.IPv4.BadChecksum {
				note = " MALFORMED " + h.Malformed
			}
			if own { // identification, DF of echo replies
				copy(ip[4:], []byte{0, 0, ip[6] &^ flagDF, ip[7]})
				ip[10], ip[11] = 0, 0
			}
			note += " " + words(&network.Hop{Data: traceFrame(b)})
		}
		lines = append(lines, fmt.Sprintf("at %d:%s %x", o.at, note, b))
	}
	slices.Sort(lines)
	return lines
}

func traceFrame(b []byte) *trace.Packet { return trace.NewPacket(b, network.Parse) }

// TestAgainstKernel sends the same random packets through a Linux kernel's namespace and through the fabric's node and
// compares what comes out, to the byte: ARP, bridging, forwarding, TTL, ICMP errors, fragmentation and reassembly,
// connection tracking, DNAT, masquerading, translation of ICMP errors. Run with -v for the count.
func TestAgainstKernel(t *testing.T) {
	done := make(chan struct{})
	go func() { // its thread is thrown away
		defer close(done)
		v := newFabricNode(t)
		k := newKernelNode(t, fmt.Sprintf(kernelScript, net.HardwareAddr(v.node.bridgeHW[:]),
			net.HardwareAddr(v.node.eth0HW[:])))
		g := &traffic{rng: rand.New(rand.NewPCG(1, uint64(len(kernelScript)))), node: v.node}
		// A bridge's port forwards a moment after it came up.
		for _, n := range testNeighbours[:3] {
			ask := arpFrame(arpRequest, testHW(n.at, n.addr), n.addr, broadcast, v.node.bridgeAddr)
			if n.at == atWire {
				ask = arpFrame(arpRequest, testHW(n.at, n.addr), n.addr, broadcast, v.node.address)
			}
			waitFor(t, "for the kernel's node", func() bool { return len(k.send(t, n.at, ask, 1)) > 0 })
		}
		k.send(t, atA1, arpFrame(arpRequest, hwaddr{2}, ip4{}, broadcast, ip4{}), 3) // what is left of that
		// Everybody asks for the node's address, so that both know them all; the answers must be the same.
		for _, n := range testNeighbours {
			gateway := v.node.bridgeAddr
			if n.at == atWire {
				gateway = v.node.address
			}
			b := arpFrame(arpRequest, testHW(n.at, n.addr), n.addr, broadcast, gateway)
			compare(t, v, k, n.at, [][]byte{b}, "ARP request of "+n.addr.String())
		}
		kinds := map[string]int{}
		for i := 0; i < 3000 && !t.Failed(); i++ {
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
			g.seen = append(g.seen, out...)
			if len(g.seen) > 50 {
				g.seen = g.seen[1:]
			}
			for _, o := range out {
				if h := network.Parse(o.frame); h.ICMP != nil {
					kinds[h.ICMP.Name]++
				} else if h.IPv4 != nil && (h.IPv4.MoreFragments || h.IPv4.FragmentOffset > 0) {
					kinds["fragment"]++
				} else {
					kinds["other"]++
				}
			}
		}
		t.Logf("compared: %v", kinds)
	}()
	<-done
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
