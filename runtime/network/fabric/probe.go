package fabric

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"github.com/kubestep/kubestep/runtime/network"
)

// Probe is one packet that asks whether somebody is there.
type Probe = network.Probe

// ProbeReply is what came back.
type ProbeReply = network.ProbeReply

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
	why := h.follow(ctx)
	defer h.unfollow(why)
	own(ep, why)
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
	route, terr := h.stack.FindRoute(0, tcpip.Address{}, toAddress(probe.To), ipv4.ProtocolNumber, false)
	if terr != nil {
		return ProbeReply{}, probeError(probe, terr)
	}
	defer route.Release()
	if probe.DontFragment && 8+probe.Size > int(route.MTU()) { // gVisor would break it all the same
		return ProbeReply{}, probeError(probe, &tcpip.ErrMessageTooLong{})
	}
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
	queue.EventRegister(&entry)
	defer queue.EventUnregister(&entry)
	if terr := ep.Connect(tcpip.FullAddress{Addr: toAddress(probe.To), Port: probe.Port}); terr != nil {
		return ProbeReply{}, probeError(probe, terr)
	}
	failed, forget, terr := h.nic.probes.expect(ep, probe)
	if terr != nil {
		return ProbeReply{}, probeError(probe, terr)
	}
	defer forget()
	began := h.f.clock.Elapsed()
	if _, terr := ep.Write(bytes.NewReader(payload(probe)), tcpip.WriteOptions{}); terr != nil {
		return ProbeReply{}, probeError(probe, terr)
	}
	unresolved := h.unresolved(route)
	for {
		reply, ok := ProbeReply{}, true
		select {
		case reply = <-failed:
		case <-unresolved:
			return ProbeReply{}, probeError(probe, &tcpip.ErrHostUnreachable{})
		case <-ready:
			reply, ok = readReply(ep, probe)
		case <-ctx.Done():
			err := context.Cause(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				err = errTimeout
			}
			return ProbeReply{}, fmt.Errorf("no reply from %v: %w", probe.To, err)
		}
		if ok {
			reply.RTT = h.f.clock.Elapsed() - began
			return reply, nil
		}
	}
}

// unresolved returns a channel that gets a value when nobody answers for the next hop's address, after a packet has been
// sent there. Linux tells such a socket that the host is unreachable; gVisor tells no socket that pings.
func (h *Namespace) unresolved(route *stack.Route) <-chan struct{} {
	next := route.NextHop()
	if next.Len() == 0 {
		next = route.RemoteAddress()
	}
	failed := make(chan struct{}, 1)
	// An error means that the interface has no neighbours, or that resolution is under way.
	_ = h.stack.GetLinkAddress(route.NICID(), next, route.LocalAddress(), ipv4.ProtocolNumber,
		func(r stack.LinkResolutionResult) {
			if r.Err != nil {
				failed <- struct{}{}
			}
		})
	return failed
}

// readReply returns what has come, false when it was not for this probe.
func readReply(ep tcpip.Endpoint, probe Probe) (ProbeReply, bool) {
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

// probes are those who wait for ICMP errors. gVisor's sockets do not tell of all of them: a ping socket of none, a UDP
// socket only of closed ports.
type probes struct {
	count atomic.Int32
	mu    sync.Mutex
	by    map[tuple]chan ProbeReply
}

// expect returns where errors about what ep sends arrive, until forget is called.
func (w *probes) expect(ep tcpip.Endpoint, p Probe) (failed <-chan ProbeReply, forget func(), terr tcpip.Error) {
	local, terr := ep.GetLocalAddress()
	if terr != nil {
		return nil, nil, terr
	}
	key := tuple{proto: protoUDP, src: toIP4(fromAddress(local.Addr)), dst: toIP4(p.To), sp: local.Port, dp: p.Port}
	if p.Port == 0 {
		key.proto, key.dp = protoICMP, echoPort
	}
	c := make(chan ProbeReply, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = map[tuple]chan ProbeReply{}
	}
	w.by[key] = c
	w.count.Add(1)
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.by, key)
		w.count.Add(-1)
	}, nil
}

// notice looks whether what is delivered to the stack is an ICMP error about somebody's probe.
func (w *probes) notice(proto tcpip.NetworkProtocolNumber, b []byte) {
	if w.count.Load() == 0 {
		return
	}
	if proto == 0 {
		if len(b) < etherLen || binary.BigEndian.Uint16(b[12:]) != etherIPv4 {
			return
		}
		b = b[etherLen:]
	}
	if len(b) < 20 || headerLen(b) < 20 || len(b) < headerLen(b)+8+28 || !isICMPError(b) {
		return
	}
	message := b[headerLen(b):]
	quoted := message[8:]
	if headerLen(quoted) < 20 {
		return
	}
	key, ok := tupleOf(quoted)
	if !ok {
		return
	}
	reply := ProbeReply{From: srcOf(b).addr(), Type: message[0], Code: message[1]}
	if reply.Type == icmpUnreachable && reply.Code == codeFragNeeded {
		reply.MTU = binary.BigEndian.Uint16(message[6:])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.by[key]; c != nil {
		select {
		case c <- reply:
		default: // it has one already
		}
	}
}

// payload is what a probe's socket is to send: an echo with its header, whose identifier the stack fills in.
func payload(p Probe) []byte {
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
