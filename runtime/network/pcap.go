package network

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Capture writes hops as a pcapng file, which Wireshark and tcpdump open: one interface for each device and one more for
// what is dropped there, the packet's verdict, reason, rule and translation as its comment. All have Ethernet headers, as
// tcpdump wants it; where there was none, addresses are zero, as on Linux's loopback. Format: draft-ietf-opsawg-pcapng. It
// is not safe for concurrent use.
type Capture struct {
	w          io.Writer
	interfaces map[string]uint32
	packets    uint32
}

// pcapng block and option numbers.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6
	byteOrder      = 0x1a2b3c4d
	optComment     = 1
	optName        = 2
	optPacketFlags = 2

	linkEthernet = 1
)

// NewCapture writes the file's header to w and returns a capture. w is not closed.
func NewCapture(w io.Writer) (*Capture, error) {
	c := &Capture{w: w, interfaces: map[string]uint32{}}
	body := binary.LittleEndian.AppendUint32(nil, byteOrder)
	body = binary.LittleEndian.AppendUint16(body, 1) // version 1.0
	body = binary.LittleEndian.AppendUint16(body, 0)
	body = binary.LittleEndian.AppendUint64(body, ^uint64(0)) // length of the section: not known
	return c, c.block(blockSection, body)
}

// Write adds a hop that was seen at the given time.
func (c *Capture) Write(at time.Time, h *Hop) error {
	raw := h.Data.Raw()
	if h.Data.Headers().Ethernet == nil {
		raw = append([]byte{12: etherIPv4 >> 8, 13: etherIPv4 & 0xff}, raw...)
	}
	id, err := c.device(h)
	if err != nil {
		return err
	}
	micros := uint64(at.UnixMicro())
	body := binary.LittleEndian.AppendUint32(nil, id)
	body = binary.LittleEndian.AppendUint32(body, uint32(micros>>32))
	body = binary.LittleEndian.AppendUint32(body, uint32(micros))
	body = binary.LittleEndian.AppendUint32(body, uint32(len(raw)))
	body = binary.LittleEndian.AppendUint32(body, uint32(len(raw)))
	body = pad(append(body, raw...))
	body = option(body, optComment, []byte(comment(h)))
	direction := uint32(1) // inbound
	if h.Direction == Out {
		direction = 2
	}
	body = option(body, optPacketFlags, binary.LittleEndian.AppendUint32(nil, direction))
	body = binary.LittleEndian.AppendUint32(body, 0) // end of options
	c.packets++
	return c.block(blockPacket, body)
}

// device returns the number of the hop's interface, which it writes the first time.
func (c *Capture) device(h *Hop) (uint32, error) {
	name := h.Device
	if h.Namespace != "" {
		name = h.Namespace + ":" + name
	}
	if h.Node != "" {
		name = h.Node + ":" + name
	}
	if h.Verdict == Dropped {
		name += " (dropped)"
	}
	if id, ok := c.interfaces[name]; ok {
		return id, nil
	}
	id := uint32(len(c.interfaces))
	c.interfaces[name] = id
	body := binary.LittleEndian.AppendUint16(nil, linkEthernet)
	body = binary.LittleEndian.AppendUint16(body, 0)
	body = binary.LittleEndian.AppendUint32(body, 0) // no limit on lengths
	body = option(body, optName, []byte(name))
	body = binary.LittleEndian.AppendUint32(body, 0)
	return id, c.block(blockInterface, body)
}

func (c *Capture) block(kind uint32, body []byte) error {
	total := uint32(len(body) + 12)
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, total)
	b = append(b, body...)
	b = binary.LittleEndian.AppendUint32(b, total)
	if _, err := c.w.Write(b); err != nil {
		return fmt.Errorf("write capture after %d packets: %w", c.packets, err)
	}
	return nil
}

func comment(h *Hop) string {
	s := h.Point + ": " + h.Verdict
	if h.Reason != "" {
		s += ", " + h.Reason
	}
	if h.Rule != "" {
		s += "; " + h.Rule
	}
	if h.NAT != nil {
		s += "; " + h.NAT.Kind + ": " + h.NAT.Before.String() + " => " + h.NAT.After.String()
	}
	return s
}

func option(b []byte, code uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

// pad fills up to 32 bits; bodies begin on such a boundary.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
