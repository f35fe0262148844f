package fabric

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// nic is the lower half of a netstack's interface: it hands packets over to the fabric, and takes packets from it. A Pod's
// speaks Ethernet, below gVisor's ethernet endpoint; a node's own sockets speak IP.
type nic struct {
	hw       tcpip.LinkAddress
	mtu      atomic.Uint32 // with the link's header
	headroom int           // bytes to leave in front of what the stack writes
	send     func(p *packet) bool
	loopback bool // what it sends comes back
	// asking, when not nil, returns for whose sake the namespace may be asking for a neighbour's address.
	asking func() *origin

	mu         sync.RWMutex
	dispatcher stack.NetworkDispatcher

	probes probes
}

var _ stack.LinkEndpoint = (*nic)(nil)

// WritePackets hands packets over. It must not wait: the stack calls it with locks held.
func (e *nic) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	for i, p := range list.AsSlice() {
		frame := make([]byte, e.headroom, e.headroom+p.Size())
		for _, s := range p.AsSlices() {
			frame = append(frame, s...)
		}
		own := &packet{data: frame}
		if o, ok := p.Owner.(*origin); ok {
			own.origin = o
		} else if e.asking != nil && isARPRequest(frame) {
			own.origin = e.asking()
		}
		if !e.send(own) {
			return i, &tcpip.ErrNoBufferSpace{}
		}
	}
	return list.Len(), nil
}

// deliver gives bytes to the stack, which copies them. proto is 0 for an Ethernet frame.
func (e *nic) deliver(proto tcpip.NetworkProtocolNumber, b []byte) {
	e.mu.RLock()
	d := e.dispatcher
	e.mu.RUnlock()
	if d == nil {
		return
	}
	e.probes.notice(proto, b)
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	d.DeliverNetworkPacket(proto, p)
	p.DecRef()
}

// Attach implements [stack.LinkEndpoint].
func (e *nic) Attach(d stack.NetworkDispatcher) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dispatcher = d
}

// IsAttached implements [stack.LinkEndpoint].
func (e *nic) IsAttached() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.dispatcher != nil
}

// MTU implements [stack.LinkEndpoint].
func (e *nic) MTU() uint32 { return e.mtu.Load() }

// LinkAddress implements [stack.LinkEndpoint].
func (e *nic) LinkAddress() tcpip.LinkAddress { return e.hw }

// ARPHardwareType implements [stack.LinkEndpoint].
func (e *nic) ARPHardwareType() header.ARPHardwareType {
	if e.hw == "" {
		return header.ARPHardwareNone
	}
	return header.ARPHardwareEther
}

// Capabilities implements [stack.LinkEndpoint].
func (e *nic) Capabilities() stack.LinkEndpointCapabilities {
	if e.loopback {
		return stack.CapabilityLoopback | stack.CapabilityRXChecksumOffload
	}
	return 0
}

// The rest of [stack.LinkEndpoint] has nothing to do here.

func (e *nic) SetMTU(uint32)                        {}
func (e *nic) MaxHeaderLength() uint16              { return 0 }
func (e *nic) SetLinkAddress(tcpip.LinkAddress)     {}
func (e *nic) Wait()                                {}
func (e *nic) AddHeader(*stack.PacketBuffer)        {}
func (e *nic) ParseHeader(*stack.PacketBuffer) bool { return true }
func (e *nic) Close()                               {}
func (e *nic) SetOnCloseAction(func())              {}

// deliverIP gives an IP packet to the namespace's stack.
func (h *Namespace) deliverIP(ip []byte) { h.nic.deliver(ipv4.ProtocolNumber, ip) }
