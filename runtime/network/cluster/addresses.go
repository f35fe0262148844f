package cluster

import (
	"fmt"
	"net/netip"
)

// addresses gives out the addresses of a node's Pods. It goes round the range, as the CNI plugin host-local does: an
// address is not used again soon, because what still holds it would be confused. It is not safe for concurrent use.
type addresses struct {
	cidr  netip.Prefix
	last  netip.Addr
	inUse map[netip.Addr]bool
}

// newAddresses leaves out the range's first address, which is the tunnel's, and the second, the bridge's.
func newAddresses(cidr netip.Prefix) addresses {
	return addresses{cidr: cidr, last: cidr.Addr().Next(), inUse: map[netip.Addr]bool{}}
}

func (a *addresses) take() (netip.Addr, error) {
	next := a.last
	for range 1 << (32 - a.cidr.Bits()) {
		next = next.Next()
		if !a.cidr.Contains(next) || !a.cidr.Contains(next.Next()) { // the last address is for broadcasts
			next = a.cidr.Addr().Next().Next()
		}
		if !a.inUse[next] {
			a.inUse[next], a.last = true, next
			return next, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no free address in %s: delete some Pods of this node", a.cidr)
}

func (a *addresses) free(address netip.Addr) { delete(a.inUse, address) }
