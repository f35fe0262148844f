package network

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/kubestep/kubestep/engine/trace"
)

// VXLANPort is the UDP port that Linux, and flannel after it, use for VXLAN; RFC 7348 says 4789.
const VXLANPort = 8472

// maxNesting bounds tunnels in tunnels and errors about errors.
const maxNesting = 4

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
)

// Parse reads an Ethernet frame. It never panics: what cannot be read is named in Malformed, outermost first. It is safe
// for concurrent use and keeps nothing of raw.
func Parse(raw []byte) *trace.Headers {
	h := new(trace.Headers)
	parseEthernet(h, raw, 0)
	return h
}

// ParseIP reads a packet that begins with its IPv4 header, like [Parse].
func ParseIP(raw []byte) *trace.Headers {
	h := new(trace.Headers)
	parseIPv4(h, raw, 0, false)
	return h
}

func parseEthernet(h *trace.Headers, b []byte, depth int) {
	if len(b) < 14 {
		h.Malformed = short("Ethernet", 14, len(b))
		return
	}
	h.Ethernet = &trace.Ethernet{Dst: mac(b[:6]), Src: mac(b[6:12]), Type: binary.BigEndian.Uint16(b[12:])}
	switch rest := b[14:]; h.Ethernet.Type {
	case etherIPv4:
		parseIPv4(h, rest, depth, false)
	case etherARP:
		parseARP(h, rest)
	default:
		h.Payload = len(rest)
	}
}

func parseARP(h *trace.Headers, b []byte) {
	if len(b) < 28 {
		h.Malformed = short("ARP", 28, len(b))
		return
	}
	if binary.BigEndian.Uint16(b) != 1 || binary.BigEndian.Uint16(b[2:]) != etherIPv4 || b[4] != 6 || b[5] != 4 {
		h.Malformed = "ARP for something other than IPv4 over Ethernet"
		return
	}
	h.ARP = &trace.ARP{Op: binary.BigEndian.Uint16(b[6:]), SenderMAC: mac(b[8:14]), SenderIP: addr(b[14:18]),
		TargetMAC: mac(b[18:24]), TargetIP: addr(b[24:28])}
}

// parseIPv4 reads a packet; quoted says that it is the beginning of one, as ICMP errors quote it.
func parseIPv4(h *trace.Headers, b []byte, depth int, quoted bool) {
	if len(b) < 20 {
		h.Malformed = short("IPv4", 20, len(b))
		return
	}
	length, headerLength := int(binary.BigEndian.Uint16(b[2:])), int(b[0]&0x0f)*4
	switch {
	case b[0]>>4 != 4:
		h.Malformed = fmt.Sprintf("IP version %d, want 4", b[0]>>4)
		return
	case headerLength < 20 || headerLength > len(b):
		h.Malformed = fmt.Sprintf("IPv4 header of %d bytes in %d bytes", headerLength, len(b))
		return
	}
	flags := binary.BigEndian.Uint16(b[6:])
	h.IPv4 = &trace.IPv4{Src: addr(b[12:16]), Dst: addr(b[16:20]), Protocol: b[9], TTL: b[8],
		ID: binary.BigEndian.Uint16(b[4:]), Length: uint16(length), HeaderLength: headerLength,
		DontFragment: flags&0x4000 != 0, MoreFragments: flags&0x2000 != 0, FragmentOffset: flags & 0x1fff * 8,
		BadChecksum: sum(b[:headerLength]) != 0xffff}
	if length < headerLength || length > len(b) && !quoted {
		h.Malformed = fmt.Sprintf("IPv4 length %d in %d bytes", length, len(b))
		return
	}
	rest := b[headerLength:min(length, len(b))]
	if h.IPv4.FragmentOffset != 0 {
		h.Payload = len(rest)
		return
	}
	// The first fragment's payload is cut like a quoted one's.
	cut := quoted || h.IPv4.MoreFragments
	switch h.IPv4.Protocol {
	case protoICMP:
		parseICMP(h, rest, depth)
	case protoTCP:
		parseTCP(h, rest, cut)
	case protoUDP:
		parseUDP(h, rest, depth, cut)
	default:
		h.Payload = len(rest)
	}
}

func parseICMP(h *trace.Headers, b []byte, depth int) {
	if len(b) < 8 {
		h.Malformed = short("ICMP", 8, len(b))
		return
	}
	m := &trace.ICMP{Type: b[0], Code: b[1], Name: icmpName(b[0], b[1])}
	h.ICMP = m
	rest := b[8:]
	switch m.Type {
	case 0, 8:
		m.ID, m.Seq = binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
		h.Payload = len(rest)
	case 3, 11, 12:
		if m.Type == 3 && m.Code == 4 {
			m.MTU = binary.BigEndian.Uint16(b[6:])
		}
		if depth < maxNesting {
			h.Inner = new(trace.Headers)
			parseIPv4(h.Inner, rest, depth+1, true)
		}
	default:
		h.Payload = len(rest)
	}
}

func parseTCP(h *trace.Headers, b []byte, cut bool) {
	if len(b) < 20 {
		if cut && len(b) >= 8 { // the part that every ICMP error quotes
			h.TCP = &trace.TCP{SrcPort: binary.BigEndian.Uint16(b), DstPort: binary.BigEndian.Uint16(b[2:]),
				Seq: binary.BigEndian.Uint32(b[4:])}
			return
		}
		h.Malformed = short("TCP", 20, len(b))
		return
	}
	t := &trace.TCP{SrcPort: binary.BigEndian.Uint16(b), DstPort: binary.BigEndian.Uint16(b[2:]),
		Seq: binary.BigEndian.Uint32(b[4:]), Ack: binary.BigEndian.Uint32(b[8:]), Flags: tcpFlags(b[13]),
		Window: binary.BigEndian.Uint16(b[14:])}
	h.TCP = t
	offset := int(b[12]>>4) * 4
	if offset < 20 || offset > len(b) {
		if !cut || offset < 20 {
			h.Malformed = fmt.Sprintf("TCP header of %d bytes in %d bytes", offset, len(b))
		}
		return
	}
	t.MSS = mss(b[20:offset])
	h.Payload = len(b) - offset
}

// mss returns the maximum segment size option, 0 when there is none.
func mss(options []byte) uint16 {
	for len(options) > 0 {
		switch kind := options[0]; {
		case kind == 0:
			return 0
		case kind == 1:
			options = options[1:]
		case len(options) < 2 || options[1] < 2 || int(options[1]) > len(options):
			return 0
		case kind == 2 && options[1] == 4:
			return binary.BigEndian.Uint16(options[2:])
		default:
			options = options[options[1]:]
		}
	}
	return 0
}

func parseUDP(h *trace.Headers, b []byte, depth int, cut bool) {
	if len(b) < 8 {
		h.Malformed = short("UDP", 8, len(b))
		return
	}
	u := &trace.UDP{SrcPort: binary.BigEndian.Uint16(b), DstPort: binary.BigEndian.Uint16(b[2:]),
		Length: binary.BigEndian.Uint16(b[4:])}
	h.UDP = u
	if u.Length < 8 || int(u.Length) > len(b) && !cut {
		h.Malformed = fmt.Sprintf("UDP length %d in %d bytes", u.Length, len(b))
		return
	}
	rest := b[8:]
	if u.DstPort != VXLANPort || cut || len(rest) < 8 || rest[0]&0x08 == 0 || depth >= maxNesting {
		h.Payload = len(rest)
		return
	}
	h.VXLAN = &trace.VXLAN{VNI: binary.BigEndian.Uint32(rest[4:]) >> 8}
	h.Inner = new(trace.Headers)
	parseEthernet(h.Inner, rest[8:], depth+1)
}

func short(what string, want, got int) string {
	return fmt.Sprintf("%s header cut off: %d of %d bytes", what, got, want)
}

func mac(b []byte) string { return net.HardwareAddr(b).String() }

func addr(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) }

func tcpFlags(b byte) string {
	var set []byte
	for i, name := range []byte("FSRPAU") {
		if b&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return string(set)
}

// sum is the Internet checksum's sum (RFC 1071): 0xffff over a header whose checksum is right.
func sum(b []byte) uint16 {
	var s uint32
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// icmpName returns what RFC 792 and RFC 1122 call a message.
func icmpName(kind, code byte) string {
	switch kind {
	case 0:
		return "echo reply"
	case 3:
		names := []string{"network unreachable", "host unreachable", "protocol unreachable", "port unreachable",
			"fragmentation needed"}
		switch {
		case int(code) < len(names):
			return names[code]
		case code == 13:
			return "administratively prohibited"
		}
		return "destination unreachable"
	case 8:
		return "echo"
	case 11:
		if code == 1 {
			return "reassembly time exceeded"
		}
		return "time exceeded"
	case 12:
		return "parameter problem"
	}
	return fmt.Sprintf("type %d", kind)
}
