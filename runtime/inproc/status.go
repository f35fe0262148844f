package inproc

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// RuntimeName is what nodes report as their container runtime.
const RuntimeName = "kubestep-inproc"

const (
	criVersion = "v1"
	// kubeletAPIVersion is what kubelets ask for and get back (pkg/kubelet/kuberuntime: kubeRuntimeAPIVersion).
	kubeletAPIVersion = "0.1.0"
)

// moduleVersion returns the version this binary was built as, in the semantic form that kubelets parse.
func moduleVersion() string {
	const unknown = "0.0.0-devel"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/kubestep/kubestep" && strings.HasPrefix(m.Version, "v") {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	return unknown
}

// Version implements the CRI.
func (r *Runtime) Version(context.Context, string) (*runtimeapi.VersionResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	return &runtimeapi.VersionResponse{
		Version: kubeletAPIVersion, RuntimeName: RuntimeName, RuntimeVersion: r.opts.Version, RuntimeApiVersion: criVersion,
	}, nil
}

// Status implements the CRI.
func (r *Runtime) Status(context.Context, bool) (*runtimeapi.StatusResponse, error) {
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return nil, errStopped
	}
	network := &runtimeapi.RuntimeCondition{Type: runtimeapi.NetworkReady, Status: true}
	if err := r.opts.Networks.Ready(); err != nil {
		network.Status, network.Reason, network.Message = false, "NetworkPluginNotReady", err.Error()
	}
	return &runtimeapi.StatusResponse{
		Status: &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{
			{Type: runtimeapi.RuntimeReady, Status: true},
			network,
		}},
		RuntimeHandlers: []*runtimeapi.RuntimeHandler{{Features: &runtimeapi.RuntimeHandlerFeatures{}}},
		Features:        &runtimeapi.RuntimeFeatures{},
	}, nil
}

// UpdateRuntimeConfig implements the CRI: the kubelet says which addresses the node's Pods get.
func (r *Runtime) UpdateRuntimeConfig(_ context.Context, c *runtimeapi.RuntimeConfig) error {
	cidrs := c.GetNetworkConfig().GetPodCidr()
	if cidrs == "" {
		return nil
	}
	for text := range strings.SplitSeq(cidrs, ",") { // dual stack nodes have two; sandboxes get IPv4 ones
		cidr, err := netip.ParsePrefix(text)
		if err != nil {
			return status.Errorf(codes.InvalidArgument, "pod CIDR %q: %v", text, err)
		}
		if !cidr.Addr().Is4() {
			continue
		}
		if err := r.opts.Networks.SetPodCIDR(cidr); err != nil {
			return fmt.Errorf("set pod CIDR %s: %w", cidr, err)
		}
		return nil
	}
	return status.Errorf(codes.InvalidArgument, "pod CIDR %q has no IPv4 range", cidrs)
}

// RuntimeConfig implements the CRI. There are no cgroups; the kubelet wants one of two answers.
func (r *Runtime) RuntimeConfig(context.Context) (*runtimeapi.RuntimeConfigResponse, error) {
	return &runtimeapi.RuntimeConfigResponse{
		Linux: &runtimeapi.LinuxRuntimeConfiguration{CgroupDriver: runtimeapi.CgroupDriver_CGROUPFS},
	}, nil
}
