package fabric

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The node of the differential test has three places to plug into: two Pods on its bridge, and the wire.
const (
	atA1 = iota
	atA2
	atWire
)

// kernelScript makes a Linux network namespace the node that the fabric's node-1 is. $POD_LINK and $WIRE_LINK are the
// hardware addresses of cni0 and eth0; routes to the other node's Pods and the policies come after it.
const kernelScript = `set -e
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
  net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 net.ipv4.icmp_ratelimit=0 \
  net.ipv4.icmp_msgs_per_sec=1000000 net.bridge.bridge-nf-call-iptables=1
ip link set lo up
ip link add cni0 address $POD_LINK type bridge forward_delay 0
ip addr add 10.244.1.1/24 dev cni0
ip link set va1 master cni0 up
ip link set va2 master cni0 up
ip link set cni0 up
ip link set eth0 address $WIRE_LINK up
ip addr add 192.168.50.11/24 dev eth0
ip route add default via 192.168.50.1
ip link set cni0 mtu 1500
nft -f - <<NFT
table ip t {
  chain pre { type nat hook prerouting priority -100;
    ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.2.2:8080
    ip daddr 10.96.0.10 udp dport 80 dnat to 10.244.2.2:8080
    ip daddr 10.96.0.11 tcp dport 80 dnat to 10.244.1.3:8080
    ip daddr 10.96.0.11 udp dport 80 dnat to 10.244.1.3:8080
    ip daddr 192.168.50.11 tcp dport 30080 dnat to 10.244.2.2:8080
    ip daddr 192.168.50.11 udp dport 30080 dnat to 10.244.2.2:8080
  }
  chain post { type nat hook postrouting priority 100;
    ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade
    ip saddr != 10.244.0.0/16 ct original ip daddr 10.96.0.0/16 masquerade
    ct status dnat ct original ip daddr 192.168.50.11 masquerade
    ip saddr 10.244.1.3 ip daddr 10.244.1.3 masquerade
  }
}
NFT
`

// hostGWScript routes to the other node as flannel's host-gw backend does.
const hostGWScript = `ip route add 10.244.2.0/24 via 192.168.50.12
ip link set eth0 mtu 1400
`

// vxlanScript does what flannel's vxlan backend does (pkg/backend/vxlan of v0.27): a device that learns nothing, with the
// other end in ARP table and FDB.
const vxlanScript = `ip link add flannel.1 address $TUNNEL_LINK type vxlan id 1 dev eth0 local 192.168.50.11 dstport 8472 nolearning
ip addr add 10.244.1.0/32 dev flannel.1
ip link set flannel.1 up
ip neigh add 10.244.2.0 lladdr $PEER_LINK dev flannel.1 nud permanent
bridge fdb add $PEER_LINK dev flannel.1 dst 192.168.50.12
ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink
`

// policyScript is what testPolicies are in nftables.
const policyScript = `nft -f - <<NFT
table ip p {
  chain forward1 { type filter hook forward priority 0; policy accept;
    ct state established,related accept
    ip saddr 10.244.1.3 ip daddr 10.244.1.3 accept
    ip saddr 10.244.1.2 jump egress1
    ip daddr 10.244.1.3 jump ingress2
  }
  chain egress1 {
    ip daddr 10.244.1.0/24 return
    ip daddr 10.244.2.2 tcp dport 8000-8100 return
    ip daddr 93.184.216.0/24 udp dport 8080 return
    drop
  }
  chain ingress2 {
    ip saddr 10.244.1.2 tcp dport 8080 return
    ip saddr 10.244.2.0/24 ip saddr != 10.244.2.3 return
    drop
  }
}
NFT
`

// kernelNode is a Linux kernel's network namespace with packet sockets at the outer ends of its devices. It belongs to
// the goroutine that made it, whose thread is in a namespace of its own. Both namespaces end with the test: nothing but
// the thread and a process that is killed holds them.
type kernelNode struct{ sockets [3]int }

// kernelTools are what the node is made with, and where Debian has them.
var kernelTools = map[string]string{"ip": "iproute2", "bridge": "iproute2", "nft": "nftables", "nsenter": "util-linux",
	"unshare": "util-linux", "sysctl": "procps"}

// newKernelNode makes the node, or skips the test.
func newKernelNode(t *testing.T, script string) *kernelNode {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root: the fabric was not compared with the Linux kernel")
	}
	for tool, pkg := range kernelTools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s (package %s) is missing: the fabric was not compared with the Linux kernel", tool, pkg)
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
