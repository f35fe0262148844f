package lab

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/kubestep/kubestep/engine"
)

// nodeTable finds a node by its address in the lab's network. It is safe for concurrent use.
type nodeTable struct {
	mu      sync.Mutex
	nodes   map[string]*machine
	network engine.Network // nil before it is made
}

// join makes n what leads to Pods and Services.
func (t *nodeTable) join(n engine.Network) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.network = n
}

func (t *nodeTable) add(address net.IP, n *machine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nodes == nil {
		t.nodes = map[string]*machine{}
	}
	t.nodes[address.String()] = n
}

// kubeletPort is the port of a kubelet's server, as every Node tells it.
const kubeletPort = "10250"

// dial connects the API server to an address of the lab's network. Nothing of it reaches the host's network.
func (t *nodeTable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	t.mu.Lock()
	n, others := t.nodes[host], t.network
	t.mu.Unlock()
	switch {
	case n != nil && port == kubeletPort:
		return n.DialKubelet(ctx)
	case others == nil:
		return nil, fmt.Errorf("connect to %s: the lab's network does not run yet", address)
	}
	return others.DialContext(ctx, network, address)
}
