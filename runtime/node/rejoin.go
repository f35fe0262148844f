package node

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// rejoinTimeout bounds the one request that rejoin makes; without an answer the kubelet starts as on a new machine.
const rejoinTimeout = 5 * time.Second

// rejoin gives the network the Pod CIDR that the cluster has kept for this node, if it was there before. Otherwise the
// kubelet would first report that its network is not ready, and look again only ten seconds later.
func (n *node) rejoin(ctx context.Context) error {
	if n.network == nil {
		return nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", n.config.Kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig of %s: %w", n.config.Name, err)
	}
	config.Timeout = rejoinTimeout
	config.Wrap(n.config.WrapTransport)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for %s: %w", n.config.Name, err)
	}
	known, err := client.CoreV1().Nodes().Get(ctx, n.config.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look for %s in the cluster: %w", n.config.Name, err)
	case known.Spec.PodCIDR == "":
		return nil
	}
	cidr, err := netip.ParsePrefix(known.Spec.PodCIDR)
	if err != nil {
		return fmt.Errorf("the Pod CIDR of %s: %w", n.config.Name, err)
	}
	return n.network.SetPodCIDR(cidr)
}
