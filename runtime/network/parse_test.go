package network

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine/trace"
)

// frames are written out by field; blanks do not count.
var frames = map[string]string{
	// A SYN with MSS 1410 in VXLAN between two nodes.
	"vxlan": `0242c0a8320c 0242c0a8320b 0800
		4500 006e 0001 0000 40 11 9516 c0a8320b c0a8320c
		e525 2118 005a 0000  08000000 00000100
		02ddc0a8320c 02ddc0a8320b 0800
		4500 003c b5b8 4000 3f 06 6d18 0af40102 0af40202
		ae31 1f90 00000001 00000000 a002 faf0 0000 0000 02040582 0402080a 00000000 00000000 0103030a`,
	"arp": `ffffffffffff 0a580af40102 0806  0001 0800 06 04 0001 0a580af40102 0af40102 000000000000 0af40101`,
	// "Fragmentation needed, MTU 1450" about a UDP packet.
	"icmp": `0a580af40102 0a580af40101 0800
		4500 0038 0001 0000 40 01 62da 0af40101 0af40102
		03 04 0000 0000 05aa  4500 001c 0001 4000 40 11 21e5 0af40102 0af40202  c000 0035 0008 0000`,
}

func frame(t testing.TB, name string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(frames[name]), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	t.Run("vxlan", func(t *testing.T) {
		h := Parse(frame(t, "vxlan"))
		if h.Malformed != "" || h.VXLAN == nil || h.VXLAN.VNI != 1 || h.IPv4.Src.String() != "192.168.50.11" || h.Inner == nil {
			t.Fatalf("outer: %+v", h)
		}
		in := h.Inner
		if in.TCP == nil || in.TCP.Flags != "S" || in.TCP.MSS != 1410 || in.TCP.DstPort != 8080 || in.IPv4.TTL != 63 ||
			!in.IPv4.DontFragment || in.Ethernet.Dst != "02:dd:c0:a8:32:0c" || in.Malformed != "" {
			t.Errorf("inner: %+v %+v %+v", in, in.TCP, in.IPv4)
		}
	})
	t.Run("arp", func(t *testing.T) {
		a := Parse(frame(t, "arp")).ARP
		if a == nil || a.Op != 1 || a.TargetIP.String() != "10.244.1.1" || a.SenderMAC != "0a:58:0a:f4:01:02" {
			t.Errorf("%+v", a)
		}
	})
	t.Run("icmp", func(t *testing.T) {
		h := Parse(frame(t, "icmp"))
		if h.ICMP == nil || h.ICMP.Name != "fragmentation needed" || h.ICMP.MTU != 1450 || h.Inner == nil ||
			h.Inner.UDP == nil || h.Inner.UDP.DstPort != 53 {
			t.Errorf("%+v %+v", h, h.ICMP)
		}
	})
	t.Run("cut off", func(t *testing.T) {
		whole := frame(t, "vxlan")
		for n := range len(whole) {
			if h := Parse(whole[:n]); h.Malformed == "" && (h.Inner == nil || h.Inner.Malformed == "") {
				t.Errorf("the first %d bytes are fine: %+v", n, h)
			}
		}
	})
	t.Run("bad checksum", func(t *testing.T) {
		b := frame(t, "icmp")
		good := Parse(b).IPv4.BadChecksum
		b[22]-- // TTL
		if bad := Parse(b).IPv4.BadChecksum; good == bad {
			t.Errorf("bad checksum %v before, %v after a change", good, bad)
		}
	})
}

func FuzzParse(f *testing.F) {
	for name := range frames {
		f.Add(frame(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		for _, h := range []*trace.Headers{Parse(b), ParseIP(b)} {
			if h == nil {
				t.Fatal("no headers")
			}
			depth := 0
			for in := h; in != nil; in = in.Inner {
				if in.Payload < 0 || in.Payload > len(b) {
					t.Fatalf("payload of %d bytes in %d", in.Payload, len(b))
				}
				depth++
			}
			if depth > maxNesting+1 {
				t.Fatalf("%d headers in each other", depth)
			}
			if _, err := json.Marshal(h); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(b, before) {
			t.Fatal("the parser changed the packet")
		}
	})
}

// TestRecordedHop writes a hop as an event of a recording and reads it back.
func TestRecordedHop(t *testing.T) {
	e := trace.Event{Seq: 1, Kind: trace.NetHop, Verb: PointVeth, Detail: &Hop{Packet: 7, Point: PointVeth,
		Verdict: Forwarded, Data: trace.NewPacket(frame(t, "vxlan"), Parse)}}
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var back trace.Event
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	h, ok := back.Detail.(*Hop)
	if !ok || h.Packet != 7 || !bytes.Equal(h.Data.Raw(), frame(t, "vxlan")) || h.Data.Headers().Inner.TCP.MSS != 1410 {
		t.Errorf("got %s", raw)
	}
}

// TestCapture checks the file with tcpdump, where there is one.
func TestCapture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hops.pcapng")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCapture(file)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1700000000, 123456000)
	for _, h := range []*Hop{
		{Node: "node-1", Device: "eth0", Point: PointWire, Verdict: Forwarded, Direction: Out,
			Data: trace.NewPacket(frame(t, "vxlan"), Parse)},
		{Node: "node-2", Device: "eth0", Point: PointWire, Verdict: Forwarded, Direction: In,
			Data: trace.NewPacket(frame(t, "vxlan"), Parse)},
		{Node: "node-2", Namespace: "default/web", Device: "eth0", Point: PointVeth, Verdict: Delivered, Rule: "a rule",
			Data: trace.NewPacket(frame(t, "arp"), Parse)},
		{Node: "node-2", Device: "cni0", Point: PointForward, Verdict: Dropped, Reason: "no", Direction: Out,
			Data: trace.NewPacket(frame(t, "vxlan")[14+36+14:], ParseIP)},
	} {
		if err := c.Write(at, h); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"node-1:eth0", "node-2:default/web:eth0", "veth: delivered; a rule",
		"node-2:cni0 (dropped)", "forward: dropped, no"} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("the file does not hold %q", want)
		}
	}
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is missing: the file was not read by another program")
	}
	out, err := exec.CommandContext(t.Context(), tcpdump, "-n", "-r", path, "-T", "vxlan").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"192.168.50.11.58661 > 192.168.50.12.8472: VXLAN",
		"10.244.1.2.44593 > 10.244.2.2.8080: Flags [S]", "who-has 10.244.1.1 tell 10.244.1.2", "22:13:20.123456"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("tcpdump says nothing of %q:\n%s", want, out)
		}
	}
	if n := strings.Count(string(out), "10.244.1.2.44593 > 10.244.2.2.8080"); n != 3 {
		t.Errorf("tcpdump sees the inner packet %d times, want it on both wires and dropped:\n%s", n, out)
	}
}

func TestFlows(t *testing.T) {
	f := NewFlows(2)
	tuple := func(n uint16) FiveTuple {
		return FiveTuple{Protocol: "tcp", Src: addrPort("10.244.1.2", n), Dst: addrPort("10.96.0.10", 80)}
	}
	one, reply := f.Find(tuple(1), true, 0)
	if reply {
		t.Error("the first packet is a reply")
	}
	translated := FiveTuple{Protocol: "tcp", Src: addrPort("10.244.1.2", 1), Dst: addrPort("10.244.2.2", 8080)}
	f.Alias(one, translated)
	if again, reply := f.Find(translated.Reverse(), false, time.Second); again != one || !reply {
		t.Errorf("the answer is of flow %d, reply %v", again.ID, reply)
	}
	if again, _ := f.Find(tuple(1), true, 2*time.Second); again != one {
		t.Error("a repeated SYN begins a new flow")
	}
	if later, _ := f.Find(tuple(1), true, 3*time.Minute); later == one {
		t.Error("a SYN much later does not begin a new flow")
	}
	for n := range uint16(10) {
		f.Find(tuple(n+10), true, 3*time.Minute)
	}
	if len(f.byKey) > 4 || len(f.recent) > 2 {
		t.Errorf("%d keys, %d flows, want no more than 4 and 2", len(f.byKey), len(f.recent))
	}
}

func addrPort(a string, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(a), port)
}
