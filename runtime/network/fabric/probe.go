package fabric

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"net"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Probe is one packet that asks whether somebody is there: what ping and traceroute send.
type Probe struct {
	To netip.Addr
	// Port makes it a UDP datagram, as traceroute sends; 0 an ICMP echo, as ping sends.
	Port uint16
	Seq  uint16 // of an echo
	TTL  uint8  // 0 means 64
	Size int    // bytes of payload, without IP and ICMP or UDP header
	// DontFragment sets DF: the packet must get through whole.
	DontFragment bool
}

// ProbeReply is what came back.
type ProbeReply struct {
	From netip.Addr
	// Type and Code are the ICMP message's: 0 for an echo reply, 11 for time exceeded, 3 for unreachable.
	Type, Code uint8
	MTU        uint32        // of "fragmentation needed"
	TTL        uint8         // of the echo reply's packet, 0 for errors
	RTT        time.Duration // on the network's clock
}

// Probe sends a probe and waits for the reply, or for an error on its behalf, until ctx ends; its deadline counts on the
// namespace's clock, as for [Namespace.Dial].
func (h *Namespace) Probe(ctx context.Context, probe Probe) (ProbeReply, error) {
	if !probe.To.Is4() {
		return ProbeReply{}, &net.OpError{Op: "probe", Net: "ip4", Err: &net.AddrError{Err: "not an IPv4 address",
			Addr: probe.To.String()}}
	}
	ctx, cancel := h.f.clock.virtual(ctx)
	defer cancel()
	proto := icmp.ProtocolNumber4
	if probe.Port != 0 {
		proto = udp.ProtocolNumber
	}
	var queue waiter.Queue
	ep, terr := h.stack.NewEndpoint(proto, ipv4.ProtocolNumber, &queue)
	if terr != nil {
		return ProbeReply{}, probeError(probe, terr)
	}
	defer ep.Close()
	discover := tcpip.PMTUDiscoveryDont
	if probe.DontFragment {
		discover = tcpip.PMTUDiscoveryProbe
	}
	ttl := int(probe.TTL)
	if ttl == 0 {
		ttl = 64
	}
	for _, terr := range []tcpip.Error{ep.SetSockOptInt(tcpip.MTUDiscoverOption, int(discover)),
		ep.SetSockOptInt(tcpip.IPv4TTLOption, ttl)} {
		if _, unsupported := terr.(*tcpip.ErrUnknownProtocolOption); terr != nil && !unsupported {
			return ProbeReply{}, probeError(probe, terr)
		}
	}
	ep.SocketOptions().SetReceiveTTL(true)
	ep.SocketOptions().SetIPv4RecvError(true)
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents | waiter.EventErr)
	queue.EventRegister(&entry)
	defer queue.EventUnregister(&entry)
	if terr := ep.Connect(tcpip.FullAddress{Addr: toAddress(probe.To), Port: probe.Port}); terr != nil {
		return ProbeReply{}, probeError(probe, terr)
	}
	began := h.f.clock.Elapsed()
	if _, terr := ep.Write(bytes.NewReader(probe.payload()), tcpip.WriteOptions{}); terr != nil {
		return ProbeReply{}, probeError(probe, terr)
	}
	for {
		select {
		case <-ready:
		case <-ctx.Done():
			err := context.Cause(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				err = errTimeout
			}
			return ProbeReply{}, fmt.Errorf("no reply from %v: %w", probe.To, err)
		}
		if reply, ok := readReply(ep, probe); ok {
			reply.RTT = h.f.clock.Elapsed() - began
			return reply, nil
		}
	}
}

// readReply returns what has come, false when it was nothing after all.
func readReply(ep tcpip.Endpoint, probe Probe) (ProbeReply, bool) {
	if e := ep.SocketOptions().DequeueErr(); e != nil {
		r := ProbeReply{From: fromAddress(e.Offender.Addr)}
		if c, ok := e.Cause.(interface {
			Type() uint8
			Code() uint8
			Info() uint32
		}); ok {
			r.Type, r.Code, r.MTU = c.Type(), c.Code(), c.Info()
		}
		return r, true
	}
	var body bytes.Buffer
	got, terr := ep.Read(&body, tcpip.ReadOptions{NeedRemoteAddr: true})
	if terr != nil {
		return ProbeReply{}, false
	}
	if b := body.Bytes(); probe.Port == 0 && (len(b) < 8 || binary.BigEndian.Uint16(b[6:]) != probe.Seq) {
		return ProbeReply{}, false
	}
	return ProbeReply{From: fromAddress(got.RemoteAddr.Addr), TTL: got.ControlMessages.TTL}, true
}

// payload is what the socket is to send: an echo with its header, whose identifier the stack fills in.
func (p Probe) payload() []byte {
	if p.Port != 0 {
		return make([]byte, p.Size)
	}
	b := make([]byte, 8+p.Size)
	b[0] = icmpEcho
	binary.BigEndian.PutUint16(b[6:], p.Seq)
	for i := range b[8:] {
		b[8+i] = byte(i) // ping's pattern
	}
	return b
}

func probeError(p Probe, terr tcpip.Error) error {
	return &net.OpError{Op: "probe", Net: "ip4", Addr: &net.IPAddr{IP: p.To.AsSlice()},
		Err: sysError("sendto", errors.New(terr.String()))}
}
