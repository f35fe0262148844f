package fabric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubestep/kubestep/runtime/network"
)

// Mode is how packets get from node to node.
type Mode string

// The modes, both flannel's.
const (
	VXLAN  Mode = "vxlan"   // in a tunnel: VNI 1, UDP port 8472
	HostGW Mode = "host-gw" // as they are, by routes to the nodes' addresses
)

// Config is what a fabric is made of. The zero value of a field means its default.
type Config struct {
	Mode Mode // default VXLAN
	// ClusterCIDR holds all Pods' addresses; what leaves it is masqueraded. Default 10.244.0.0/16.
	ClusterCIDR netip.Prefix
	// ServiceCIDR holds the ClusterIPs. Default 10.96.0.0/12.
	ServiceCIDR netip.Prefix
	// Underlay is the network between the nodes; its first address is the gateway to everywhere else, which answers that
	// there is nothing. Default 192.168.50.0/24.
	Underlay netip.Prefix
	// NoBridgeNetfilter is a node without the br_netfilter module: what stays on a bridge meets neither connection
	// tracking nor policies.
	NoBridgeNetfilter bool
	// Seed makes choices repeatable: endpoints, ports, losses.
	Seed uint64
	// Clock defaults to one that shows the time at which the fabric is made.
	Clock *Clock
	Log   *slog.Logger // default: nothing
}

// maxQueue bounds the frames that wait to be moved, as a device's queue length does.
const maxQueue = 1 << 16

// Fabric is a network of nodes. Make one with [New], let it run with [Fabric.Run].
type Fabric struct {
	cfg      Config
	clock    *Clock
	log      *slog.Logger
	watch    atomic.Pointer[watch]
	followed atomic.Int64 // sockets whose packets are followed

	mu     sync.Mutex // guards the fields up to the next comment
	queue  []item
	head   int
	frames int // of the queue's items, those that are frames
	closed bool
	wake   chan struct{} // has room for one
	hosts  map[*Namespace]struct{}
	byName map[string]*Node
	made   map[string]int // how many namespaces a name and address have had
	lost   atomic.Uint64  // frames refused by a full queue

	// Only Run's goroutine touches what follows.
	ctx      context.Context // Run's; for the observer
	now      time.Duration   // the clock's time at the beginning of the item that is being worked on
	still    bool            // the clock stands at now, for as long as the item takes
	packets  uint64
	flows    *network.Flows
	pods     map[ip4]string // names by address: "default/web"
	nodes    []*Node
	wire     *segment
	rng      *rand.Rand
	moved    atomic.Uint64
	services []Service
	policies *policySet
}

// item is one thing to do: move a packet, or a change.
type item struct {
	to func(p *packet)
	p  *packet
	do func()
}

// ErrClosed is the class of errors of a fabric, node or Pod that has been closed.
var ErrClosed = errors.New("network is closed")

// New returns a fabric without nodes. Nothing moves until Run, which must be called, as it is what ends the goroutines of
// everything that the fabric holds.
func New(cfg Config) (*Fabric, error) {
	if cfg.Mode == "" {
		cfg.Mode = VXLAN
	}
	if cfg.Mode != VXLAN && cfg.Mode != HostGW {
		return nil, fmt.Errorf("network mode %q: want %q or %q", cfg.Mode, VXLAN, HostGW)
	}
	for _, p := range []struct {
		prefix *netip.Prefix
		value  string
		name   string
	}{
		{&cfg.ClusterCIDR, "10.244.0.0/16", "cluster CIDR"},
		{&cfg.ServiceCIDR, "10.96.0.0/12", "service CIDR"},
		{&cfg.Underlay, "192.168.50.0/24", "underlay"},
	} {
		if !p.prefix.IsValid() {
			*p.prefix = netip.MustParsePrefix(p.value)
		}
		if !p.prefix.Addr().Is4() || p.prefix.Bits() > 30 {
			return nil, fmt.Errorf("%s %v: want an IPv4 network of /30 or larger", p.name, *p.prefix)
		}
		*p.prefix = p.prefix.Masked()
	}
	if cfg.Clock == nil {
		cfg.Clock = NewClock(time.Now())
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Fabric{cfg: cfg, clock: cfg.Clock, log: cfg.Log, wake: make(chan struct{}, 1),
		hosts: map[*Namespace]struct{}{}, byName: map[string]*Node{}, made: map[string]int{}, flows: network.NewFlows(1 << 14), pods: map[ip4]string{},
		rng: rand.New(rand.NewPCG(cfg.Seed, 0x666162726963)), policies: &policySet{}}
	f.wire = newSegment(f)
	if err := f.addGateway(); err != nil {
		return nil, err
	}
	return f, nil
}

// Clock returns the fabric's time.
func (f *Fabric) Clock() *Clock { return f.clock }

// Stats are figures of a fabric since it was made.
type Stats struct {
	Moved   uint64 // packets that crossed a link
	Refused uint64 // frames that a full queue did not take
	Waiting int    // frames in the queue now
}

// Stats returns the fabric's figures.
func (f *Fabric) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Stats{Moved: f.moved.Load(), Refused: f.lost.Load(), Waiting: f.frames}
}

// Run moves packets until ctx ends; then it closes every Pod, host and node, and returns ctx's error. It is called once.
func (f *Fabric) Run(ctx context.Context) error {
	f.ctx = ctx
	for {
		it, ok := f.next(ctx)
		if !ok {
			break
		}
		if it.do != nil {
			f.now = f.clock.Elapsed()
			it.do()
			continue
		}
		f.moved.Add(1)
		if it.p.id == 0 {
			f.number(it.p)
		}
		f.move(it)
	}
	f.mu.Lock()
	f.closed = true
	f.queue, f.head, f.frames = nil, 0, 0
	hosts := f.hosts
	f.hosts = map[*Namespace]struct{}{}
	f.mu.Unlock()
	for h := range hosts {
		h.destroy()
	}
	return ctx.Err()
}

// move lets a packet go as far as it gets. When somebody looks, that takes no time on the clock: what is spent on showing,
// or waiting for a processor between two hops, is not the network's time and must not make anybody send again.
func (f *Fabric) move(it item) {
	if !f.watched() {
		f.now = f.clock.Elapsed()
		it.to(it.p)
		return
	}
	f.now, f.still = f.clock.halt(), true
	it.to(it.p)
	f.still = false
	f.clock.Resume()
}

// next returns the next item, waiting for one; false when ctx has ended.
func (f *Fabric) next(ctx context.Context) (item, bool) {
	for {
		f.mu.Lock()
		if f.head < len(f.queue) && ctx.Err() == nil {
			it := f.queue[f.head]
			f.queue[f.head] = item{}
			f.head++
			if it.do == nil {
				f.frames--
			}
			if f.head == len(f.queue) {
				f.queue, f.head = f.queue[:0], 0
			}
			f.mu.Unlock()
			return it, true
		}
		f.mu.Unlock()
		select {
		case <-f.wake:
		case <-ctx.Done():
			return item{}, false
		}
	}
}

// post hands a frame over to Run's goroutine. It returns false when the queue is full or the fabric closed.
func (f *Fabric) post(to func(*packet), p *packet) bool {
	f.mu.Lock()
	if f.closed || f.frames >= maxQueue {
		f.mu.Unlock()
		f.lost.Add(1)
		return false
	}
	f.frames++
	f.push(item{to: to, p: p})
	return true
}

// change hands a change over to Run's goroutine. Changes are not bounded: there are as many as callers make.
func (f *Fabric) change(do func()) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return
	}
	f.push(item{do: do})
}

// push appends to the queue, unlocks mu, which is held, and wakes Run up.
func (f *Fabric) push(it item) {
	if f.head > 1024 && f.head*2 > len(f.queue) {
		n := copy(f.queue, f.queue[f.head:])
		clear(f.queue[n:])
		f.queue, f.head = f.queue[:n], 0
	}
	f.queue = append(f.queue, it)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// after runs do in Run's goroutine when d has passed on the clock.
func (f *Fabric) after(d time.Duration, do func()) {
	f.clock.AfterFunc(d, func() { f.change(do) })
}

// adopt makes Run close a namespace when it ends. It fails when that has happened.
func (f *Fabric) adopt(h *Namespace) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	f.hosts[h] = struct{}{}
	return nil
}

// disown undoes adopt; false when Run has closed the namespace already.
func (f *Fabric) disown(h *Namespace) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.hosts[h]
	delete(f.hosts, h)
	return ok
}
