package tree

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/engine/trace"
)

// packets returns the packets of a flow that begins with n, a hop: each is its first hop, with the later ones below. In
// the events every hop is caused by the one before, and every packet by the last hop before it, which as a tree would be
// as deep as the flow is long.
func packets(n *trace.Node, exact bool) []shown {
	var all []shown
	at := map[uint64]int{}
	var walk func(n *trace.Node, exact bool)
	walk = func(n *trace.Node, exact bool) {
		exact = exact && n.Event.CauseLink != trace.Inferred
		own := &trace.Node{Event: n.Event}
		i, met := at[packet(n)]
		if met {
			all[i].Effects = append(all[i].Effects, own)
		} else {
			at[packet(n)] = len(all)
			all = append(all, shown{own, exact})
		}
		for _, effect := range n.Effects {
			if effect.Event.Kind == trace.NetHop {
				walk(effect, true)
			} else {
				own.Effects = append(own.Effects, effect)
			}
		}
	}
	walk(n, exact)
	return all
}

// packet returns the number of the packet that a hop is about.
func packet(n *trace.Node) uint64 {
	if d, ok := n.Event.Detail.(*trace.HopDetail); ok {
		return d.Packet
	}
	return 0
}

// bySeq sorts what hangs below a line into the order in which it happened.
func bySeq(all []shown) {
	slices.SortStableFunc(all, func(a, b shown) int { return int(a.Event.Seq) - int(b.Event.Seq) }) //nolint:gosec // near each other
}

// worthALine reports whether a hop changes what the packet is or where it is. What is between says how the node came to
// that: bridge, routing and forwarding are printed on demand.
func worthALine(d *trace.HopDetail) bool {
	switch d.Point {
	case "veth", "vxlan-encap", "vxlan-decap", "local":
		return true
	case "wire":
		return d.Direction == "out" || d.Verdict != "forwarded" // the other end is the same sight again
	}
	return d.NAT != nil || d.Verdict == "dropped"
}

// hopLine says where a packet is, what happens to it there, and what it is: "client@node-1  eth0 → veth  10.244.1.2:40000
// > 10.96.70.120:80  SYN  ttl 64".
func hopLine(d *trace.HopDetail) string {
	where := d.Node
	if where == "" {
		where = "outside"
	}
	if _, pod, ok := strings.Cut(d.Namespace, "/"); ok {
		where = pod + "@" + where
	} else if d.Namespace != "" {
		where = d.Namespace
	}
	words := []string{where, " " + point(d)}
	if d.NAT == nil && d.Point != "routing" {
		words = append(words, " "+seen(d))
	}
	if d.Verdict == "dropped" {
		words = append(words, " dropped: "+d.Reason)
	}
	return strings.Join(clean(words), " ")
}

// point says what happens at a hop.
func point(d *trace.HopDetail) string {
	out := d.Direction == "out"
	switch {
	case d.NAT != nil:
		return translation(d)
	case d.Point == "veth" && out:
		return d.Device + " → veth"
	case d.Point == "veth":
		return "veth → " + d.Device
	case d.Point == "vxlan-encap":
		return "vxlan packs"
	case d.Point == "vxlan-decap":
		return "vxlan unpacks"
	case d.Point == "wire" && out:
		return d.Device + " → wire"
	case d.Point == "wire":
		return "wire → " + d.Device
	case d.Point == "local" && d.Namespace != "":
		return "over " + d.Device
	case d.Point == "local":
		return "to a socket of the node"
	case d.Point == "routing":
		return d.Rule
	case d.Rule != "":
		return d.Point + " " + d.Device + " (" + d.Rule + ")"
	}
	return d.Point + " " + d.Device
}

// translation says what NAT did: "DNAT default/web -> 10.244.2.2:8080  10.96.70.120:80 becomes 10.244.2.2:8080".
func translation(d *trace.HopDetail) string {
	words := []string{d.NAT.Kind}
	if d.Rule != "" {
		words = append(words, d.Rule)
	}
	if b, a := d.NAT.Before.Src, d.NAT.After.Src; b != a {
		words = append(words, " source "+b.String()+" becomes "+a.String())
	}
	if b, a := d.NAT.Before.Dst, d.NAT.After.Dst; b != a {
		words = append(words, " "+b.String()+" becomes "+a.String())
	}
	return strings.Join(words, " ")
}

// seen says what of a packet is looked at where it is: on the wire a tunnel's packet is one like any other.
func seen(d *trace.HopDetail) string {
	h := d.Data.Headers()
	if d.Point == "wire" && h != nil && h.VXLAN != nil {
		outer := *h
		outer.VXLAN, outer.Payload = nil, 0
		return headers(&outer)
	}
	return headers(h)
}

// headers says what a packet is, outermost first.
func headers(h *trace.Headers) string {
	switch {
	case h == nil:
		return ""
	case h.ARP != nil && h.ARP.Op == 1:
		return "ARP: who has " + h.ARP.TargetIP.String() + "?"
	case h.ARP != nil:
		return "ARP: " + h.ARP.SenderIP.String() + " is at " + h.ARP.SenderMAC
	case h.IPv4 == nil:
		return ""
	case h.VXLAN != nil:
		return fmt.Sprintf("%s > %s vni %d [%s]", h.IPv4.Src, h.IPv4.Dst, h.VXLAN.VNI, headers(h.Inner))
	}
	ports := func(src, dst uint16) string {
		return fmt.Sprintf("%s:%d > %s:%d", h.IPv4.Src, src, h.IPv4.Dst, dst)
	}
	var words []string
	switch {
	case h.TCP != nil:
		words = []string{ports(h.TCP.SrcPort, h.TCP.DstPort), " " + flags(h.TCP.Flags)}
	case h.UDP != nil:
		words = []string{ports(h.UDP.SrcPort, h.UDP.DstPort), " UDP"}
	case h.ICMP != nil:
		words = []string{fmt.Sprintf("%s > %s", h.IPv4.Src, h.IPv4.Dst), " ICMP " + h.ICMP.Name}
	default:
		words = []string{fmt.Sprintf("%s > %s", h.IPv4.Src, h.IPv4.Dst), fmt.Sprintf(" protocol %d", h.IPv4.Protocol)}
	}
	if h.Payload > 0 {
		words = append(words, fmt.Sprintf("%d bytes", h.Payload))
	}
	if h.IPv4.MoreFragments || h.IPv4.FragmentOffset > 0 {
		words = append(words, fmt.Sprintf("fragment at %d", h.IPv4.FragmentOffset))
	}
	return strings.Join(append(words, fmt.Sprintf(" ttl %d", h.IPv4.TTL)), " ")
}

// flags spells TCP's out: "SYN ACK" for "SA". Push is left out: it says nothing that the bytes do not.
func flags(set string) string {
	var words []string
	for _, f := range set {
		switch f {
		case 'S':
			words = append(words, "SYN")
		case 'A':
			words = append(words, "ACK")
		case 'F':
			words = append(words, "FIN")
		case 'R':
			words = append(words, "RST")
		}
	}
	return strings.Join(words, " ")
}

// queryLine says who asks whom for which name, and what came of it.
func queryLine(e *trace.Event, d *trace.DNSDetail) string {
	words := []string{e.Actor}
	if e.Verb == "ask" {
		words = append(words, " asks "+d.Server.Addr().String()+" for")
	} else {
		words = append(words, " answers "+d.Client.String())
	}
	words = append(words, d.Name, d.Type)
	if d.Rcode != "" {
		words = append(words, " "+d.Rcode)
		if len(d.Answers) == 0 && d.Rcode == "NOERROR" {
			words = append(words, "(the name exists, but not with this type)")
		}
	}
	for _, answer := range d.Answers {
		if fields := strings.Fields(answer); len(fields) > 0 {
			words = append(words, fields[len(fields)-1])
		}
	}
	if d.Plugin != "" {
		words = append(words, " by "+d.Plugin)
	}
	if e.Error != "" {
		words = append(words, " error: "+strings.ReplaceAll(e.Error, "\n", " "))
	}
	return strings.Join(clean(words), " ")
}
