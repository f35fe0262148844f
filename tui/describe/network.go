package describe

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/component/richtext"
	"github.com/kubestep/kubestep/tui/text"
	"github.com/kubestep/kubestep/tui/theme"
)

// hopWords says which packet a hop is about, and what became of it.
func hopWords(d *trace.HopDetail) (object, note string) {
	object = fmt.Sprintf("packet %d", d.Packet)
	if h := d.Data.Headers(); h != nil {
		object = packetLine(h)
	}
	var notes []string
	if d.Device != "" {
		notes = append(notes, strings.TrimSpace(d.Direction+" "+d.Device))
	}
	if d.NAT != nil {
		notes = append(notes, d.NAT.Kind+" → "+d.NAT.After.Dst.String())
	}
	if d.Verdict != "forwarded" {
		notes = append(notes, d.Verdict)
	}
	return object, strings.Join(notes, " ")
}

// Packet returns "tcp 10.244.1.2:40000 > 10.96.0.10:80 S": what the innermost packet is, "" for none.
func Packet(h *trace.Headers) string {
	if h == nil {
		return ""
	}
	if h.VXLAN != nil && h.Inner != nil {
		return Packet(h.Inner)
	}
	return packetLine(h)
}

// Tuple returns between whom the innermost packet goes; ok is false for what is not IP.
func Tuple(h *trace.Headers) (t trace.FiveTuple, ok bool) {
	switch {
	case h == nil:
		return t, false
	case h.VXLAN != nil && h.Inner != nil:
		return Tuple(h.Inner)
	case h.IPv4 == nil:
		return t, false
	}
	t.Protocol, t.Src, t.Dst = "ip", netip.AddrPortFrom(h.IPv4.Src, 0), netip.AddrPortFrom(h.IPv4.Dst, 0)
	switch {
	case h.TCP != nil:
		t.Protocol, t.Src, t.Dst = "tcp", netip.AddrPortFrom(h.IPv4.Src, h.TCP.SrcPort), netip.AddrPortFrom(h.IPv4.Dst, h.TCP.DstPort)
	case h.UDP != nil:
		t.Protocol, t.Src, t.Dst = "udp", netip.AddrPortFrom(h.IPv4.Src, h.UDP.SrcPort), netip.AddrPortFrom(h.IPv4.Dst, h.UDP.DstPort)
	case h.ICMP != nil:
		t.Protocol = "icmp"
	}
	return t, true
}

// packetLine returns "tcp 10.244.1.2:40000 > 10.96.0.10:80 S" of the innermost packet.
func packetLine(h *trace.Headers) string {
	if h.VXLAN != nil && h.Inner != nil {
		return "vxlan{" + packetLine(h.Inner) + "}"
	}
	switch {
	case h.ARP != nil && h.ARP.Op == 1:
		return fmt.Sprintf("arp who-has %s", h.ARP.TargetIP)
	case h.ARP != nil:
		return fmt.Sprintf("arp %s is-at %s", h.ARP.SenderIP, h.ARP.SenderMAC)
	case h.IPv4 == nil:
		return fmt.Sprintf("frame %d B", h.Payload)
	case h.TCP != nil:
		return fmt.Sprintf("tcp %s > %s %s", netip.AddrPortFrom(h.IPv4.Src, h.TCP.SrcPort), netip.AddrPortFrom(h.IPv4.Dst, h.TCP.DstPort), h.TCP.Flags)
	case h.UDP != nil:
		return fmt.Sprintf("udp %s > %s", netip.AddrPortFrom(h.IPv4.Src, h.UDP.SrcPort), netip.AddrPortFrom(h.IPv4.Dst, h.UDP.DstPort))
	case h.ICMP != nil:
		return fmt.Sprintf("icmp %s > %s %s", h.IPv4.Src, h.IPv4.Dst, h.ICMP.Name)
	}
	return fmt.Sprintf("ip %s > %s", h.IPv4.Src, h.IPv4.Dst)
}

// dnsWords says what was asked, and what the answer was.
func dnsWords(d *trace.DNSDetail) (object, note string) {
	note = d.Rcode
	if len(d.Answers) > 0 {
		last := strings.Fields(d.Answers[len(d.Answers)-1])
		note += " " + last[max(len(last)-1, 0)]
	}
	return d.Type + " " + d.Name, note
}

// hop shows a packet at a point: what matched, what was translated, the headers, and the bytes.
func (b *builder) hop(d *trace.HopDetail) {
	b.blank()
	nat := ""
	if d.NAT != nil {
		nat = d.NAT.Kind + ": " + d.NAT.Before.String() + " → " + d.NAT.After.String()
	}
	where := strings.TrimSpace(d.Namespace + " " + d.Device + " " + d.Direction)
	b.pairs([]pair{{b.T(text.Node), d.Node}, {b.T(text.Where), where}, {b.T(text.Rule), d.Rule}, {"NAT", nat},
		{b.T(text.Verdict), d.Verdict}, {b.T(text.Reason), d.Reason}, {"TTL", nonZero(int64(d.TTL))}, {"MTU", nonZero(int64(d.MTU))}})
	if h := d.Data.Headers(); h != nil {
		b.heading(text.HeadHeaders)
		b.headers(h, 0)
	}
}

func (b *builder) headers(h *trace.Headers, depth int) {
	line := func(name, what string) {
		b.add(2*depth, richtext.Span{Role: theme.Heading, Text: name}, richtext.Span{Text: "  " + what})
	}
	if e := h.Ethernet; e != nil {
		line("Ethernet", fmt.Sprintf("%s > %s  0x%04x", e.Src, e.Dst, e.Type))
	}
	if a := h.ARP; a != nil {
		line("ARP", fmt.Sprintf("%d  %s %s > %s %s", a.Op, a.SenderIP, a.SenderMAC, a.TargetIP, a.TargetMAC))
	}
	if p := h.IPv4; p != nil {
		line("IPv4", fmt.Sprintf("%s > %s  ttl %d  id %d  %d B  DF %t", p.Src, p.Dst, p.TTL, p.ID, p.Length, p.DontFragment))
	}
	if c := h.ICMP; c != nil {
		line("ICMP", fmt.Sprintf("%s  id %d  seq %d", c.Name, c.ID, c.Seq))
	}
	if t := h.TCP; t != nil {
		line("TCP", fmt.Sprintf("%d > %d  [%s]  seq %d  ack %d  win %d", t.SrcPort, t.DstPort, t.Flags, t.Seq, t.Ack, t.Window))
	}
	if u := h.UDP; u != nil {
		line("UDP", fmt.Sprintf("%d > %d  %d B", u.SrcPort, u.DstPort, u.Length))
	}
	if x := h.VXLAN; x != nil {
		line("VXLAN", fmt.Sprintf("VNI %d", x.VNI))
	}
	if h.Malformed != "" {
		b.add(2*depth, richtext.Span{Role: theme.Bad, Text: h.Malformed})
	}
	if h.Inner != nil {
		b.headers(h.Inner, depth+1)
	} else if h.Payload > 0 {
		line(b.T(text.Payload), fmt.Sprintf("%d B", h.Payload))
	}
}

// bytes shows a packet as a hex dump.
func (b *builder) bytes(raw []byte) {
	for line := range strings.SplitSeq(strings.TrimRight(hex.Dump(raw), "\n"), "\n") {
		b.lines = append(b.lines, richtext.Line{Fixed: true, Spans: []richtext.Span{{Text: line}}})
	}
}

// query shows one DNS question with its answer.
func (b *builder) query(d *trace.DNSDetail) {
	b.blank()
	server, client, tried := "", "", ""
	if d.Server.IsValid() {
		server = d.Server.String() + " " + d.Transport
	}
	if d.Client.IsValid() {
		client = d.Client.String()
	}
	if d.SearchIndex > 0 {
		tried = fmt.Sprintf("%d  %s", d.SearchIndex, d.SearchDomain)
	}
	b.pairs([]pair{{b.T(text.LookedFor), d.Host}, {b.T(text.SearchDomain), tried}, {"search", strings.Join(d.Search, " ")}, {"ndots", nonZero(int64(d.Ndots))},
		{b.T(text.Server), server}, {b.T(text.Client), client}, {b.T(text.Attempt), nonZero(int64(d.Attempt))}, {b.T(text.Plugin), d.Plugin}, {b.T(text.HeadAnswer), d.Rcode}})
	for _, a := range d.Answers {
		b.say(theme.Plain, strings.Join(strings.Fields(a), " "))
	}
}
