package network

import (
	"fmt"
	"time"
)

// Fault is what is wrong with a link; the zero Fault is a good link. It applies to both directions. Times are the
// network's own.
type Fault struct {
	// Cut loses everything.
	Cut bool `json:"cut,omitempty"`
	// Drop is the share of frames that are lost, 0 to 1, chosen by the network's seed.
	Drop float64 `json:"drop,omitempty"`
	// DropPattern loses frames by their order: "..x" loses every third. It repeats; 'x' is lost, '.' passes.
	DropPattern string `json:"dropPattern,omitempty"`
	// Delay is added to each frame.
	Delay time.Duration `json:"delay,omitempty"`
	// Reorder is the share of frames that overtake nobody: they wait until ReorderBy later.
	Reorder float64 `json:"reorder,omitempty"`
	// ReorderBy is how long a reordered frame waits, 10 ms when it is 0.
	ReorderBy time.Duration `json:"reorderBy,omitempty"`
	// MTU loses larger packets silently, as a link does whose ends disagree about its size; 0 means no limit. In bytes of
	// IP packet.
	MTU int `json:"mtu,omitempty"`
	// FilterICMP loses ICMP errors: what a firewall does that breaks path MTU discovery. Echoes pass.
	FilterICMP bool `json:"filterICMP,omitempty"`
}

// Validate says what is wrong with the fault itself.
func (f Fault) Validate() error {
	switch {
	case f.Drop < 0 || f.Drop > 1:
		return fmt.Errorf("drop rate %v: want a share from 0 to 1", f.Drop)
	case f.Reorder < 0 || f.Reorder > 1:
		return fmt.Errorf("reorder rate %v: want a share from 0 to 1", f.Reorder)
	case f.Delay < 0 || f.ReorderBy < 0 || f.MTU < 0:
		return fmt.Errorf("delay %v, reorder delay %v, MTU %d: want none below zero", f.Delay, f.ReorderBy, f.MTU)
	}
	for _, c := range f.DropPattern {
		if c != 'x' && c != '.' {
			return fmt.Errorf("drop pattern %q: want 'x' for lost and '.' for passed, as in \"..x\"", f.DropPattern)
		}
	}
	return nil
}

// Judge says what happens to the nth frame (from 0) of a link: why it is lost, or how long it is delayed. chance returns
// random numbers from 0 to 1.
func (f Fault) Judge(n uint64, frame Size, chance func() float64) (lost string, delay time.Duration) {
	switch {
	case f.Cut:
		return "link is cut", 0
	case f.MTU > 0 && frame.IP > f.MTU:
		return fmt.Sprintf("packet of %d bytes exceeds the link's MTU of %d", frame.IP, f.MTU), 0
	case f.FilterICMP && frame.ICMPError:
		return "ICMP is filtered", 0
	case f.DropPattern != "" && f.DropPattern[n%uint64(len(f.DropPattern))] == 'x':
		return fmt.Sprintf("lost by the pattern %q", f.DropPattern), 0
	case f.Drop > 0 && chance() < f.Drop:
		return fmt.Sprintf("lost by chance, %.0f %%", f.Drop*100), 0
	}
	delay = f.Delay
	if f.Reorder > 0 && chance() < f.Reorder {
		if f.ReorderBy == 0 {
			f.ReorderBy = 10 * time.Millisecond
		}
		delay += f.ReorderBy
	}
	return "", delay
}

// Size is what a fault needs to know of a frame.
type Size struct {
	IP        int // bytes of IP packet, 0 for other frames
	ICMPError bool
}
