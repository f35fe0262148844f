package fabric

import (
	"encoding/binary"
	"slices"
	"time"
)

// Linux's defaults: ipfrag_time, and a bound in datagrams where Linux has one in bytes.
const (
	fragmentTime  = 30 * time.Second
	fragmentLimit = 256
)

// reassembler puts fragments together. It belongs to Run's goroutine.
type reassembler struct {
	f       *Fabric
	waiting map[fragmentKey]*datagram
}

type fragmentKey struct {
	src, dst ip4
	id       uint16
	proto    uint8
}

// datagram is what has come of a packet. Its parts are in order and do not overlap.
type datagram struct {
	since time.Duration
	parts []part
	total int // bytes of payload, -1 until the last fragment has come
	first *packet
	size  int // of the largest fragment
}

type part struct {
	offset int
	data   []byte
}

func newReassembler(f *Fabric) *reassembler {
	return &reassembler{f: f, waiting: map[fragmentKey]*datagram{}}
}

// add takes in a fragment and returns the whole packet when it was the last one missing. Fragments that overlap make it
// forget the packet, as Linux does since CVE-2018-5391.
func (r *reassembler) add(p *packet) *packet {
	ip := p.ip()
	header := headerLen(ip)
	key := fragmentKey{srcOf(ip), dstOf(ip), binary.BigEndian.Uint16(ip[4:]), ip[9]}
	d := r.waiting[key]
	if d != nil && r.f.now-d.since > fragmentTime {
		delete(r.waiting, key)
		d = nil
	}
	if d == nil {
		r.makeRoom()
		d = &datagram{since: r.f.now, total: -1}
		r.waiting[key] = d
	}
	offset, payload, more := fragOffset(ip), ip[header:], ip[6]&flagMF != 0
	end := offset + len(payload)
	bad := more && len(payload)%8 != 0 || end > 65535-header || d.total >= 0 && (end > d.total || !more && end != d.total)
	at, same := slices.BinarySearchFunc(d.parts, offset, func(q part, o int) int { return q.offset - o })
	switch {
	case same && len(d.parts[at].data) == len(payload):
		return nil // the same again
	case bad || same || at > 0 && d.parts[at-1].offset+len(d.parts[at-1].data) > offset ||
		at < len(d.parts) && end > d.parts[at].offset:
		delete(r.waiting, key)
		return nil
	}
	d.parts = slices.Insert(d.parts, at, part{offset, payload})
	d.size = max(d.size, len(ip))
	if offset == 0 {
		d.first = p
	}
	if !more {
		d.total = end
	}
	return r.finish(key, d)
}

// finish returns the packet when all of it is there.
func (r *reassembler) finish(key fragmentKey, d *datagram) *packet {
	have := 0
	for _, q := range d.parts {
		have += len(q.data)
	}
	if d.total < 0 || have != d.total || d.first == nil {
		return nil
	}
	delete(r.waiting, key)
	first := d.first.data
	header := headerLen(first[etherLen:])
	data := append(make([]byte, 0, etherLen+header+d.total), first[:etherLen+header]...)
	for _, q := range d.parts {
		data = append(data, q.data...)
	}
	ip := data[etherLen:]
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	ip[6], ip[7] = ip[6]&flagDF, 0
	setIPChecksum(ip)
	whole := d.first.child(data)
	whole.fragSize = d.size
	return whole
}

// makeRoom drops what is too old, or else the oldest, when there are too many.
func (r *reassembler) makeRoom() {
	if len(r.waiting) < fragmentLimit {
		return
	}
	var oldest fragmentKey
	since := time.Duration(1<<63 - 1)
	for key, d := range r.waiting {
		switch {
		case r.f.now-d.since > fragmentTime:
			delete(r.waiting, key)
		case d.since < since:
			oldest, since = key, d.since
		}
	}
	if len(r.waiting) >= fragmentLimit {
		delete(r.waiting, oldest)
	}
}
