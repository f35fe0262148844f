package inproc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/runtime/program"
)

// sandbox is one Pod sandbox: what its containers share.
type sandbox struct {
	id      string
	config  *runtimeapi.PodSandboxConfig // not changed after it was made
	handler string
	created time.Time
	dir     string
	network program.Network

	// Under Runtime.mu.
	ready bool
	ips   []netip.Addr
}

func (s *sandbox) hostNetwork() bool {
	return s.config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetNetwork() == runtimeapi.NamespaceMode_NODE
}

func (s *sandbox) hostname() string {
	return s.config.GetHostname()
}

func notFound(kind, id string) error {
	return status.Errorf(codes.NotFound, "an error occurred when try to find %s %q: not found", kind, id)
}

// RunPodSandbox implements the CRI.
func (r *Runtime) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, handler string) (string, error) {
	if config.GetMetadata() == nil {
		return "", status.Error(codes.InvalidArgument, "sandbox config must include metadata")
	}
	if handler != "" {
		return "", status.Errorf(codes.InvalidArgument, "failed to get sandbox runtime: no runtime for %q is configured", handler)
	}
	s := &sandbox{config: config, handler: handler, created: r.opts.Clock.Now()}
	if err := r.reserveSandbox(s); err != nil {
		return "", err
	}
	if err := r.setUpSandbox(ctx, s); err != nil {
		r.mu.Lock()
		delete(r.sandboxes, s.id)
		r.mu.Unlock()
		return "", errors.Join(fmt.Errorf("set up sandbox for pod %s/%s: %w",
			config.Metadata.Namespace, config.Metadata.Name, err), r.tearDownSandbox(ctx, s))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return "", errStopped
	}
	s.ready = true
	r.emit(s, nil, runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT)
	r.emit(s, nil, runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT)
	return s.id, nil
}

// errStopped is the answer of a runtime whose node has no power.
var errStopped = status.Error(codes.Unavailable, "the container runtime has stopped")

// reserveSandbox gives s an ID and takes its name, which only one sandbox may have.
func (r *Runtime) reserveSandbox(s *sandbox) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errStopped
	}
	m := s.config.Metadata
	for _, other := range r.sandboxes {
		if o := other.config.Metadata; o.Uid == m.Uid && o.Name == m.Name && o.Namespace == m.Namespace && o.Attempt == m.Attempt {
			return status.Errorf(codes.AlreadyExists, "failed to reserve sandbox name \"%s_%s_%s_%d\": it is reserved for %q",
				m.Name, m.Namespace, m.Uid, m.Attempt, other.id)
		}
	}
	id, err := r.newID()
	if err != nil {
		return err
	}
	s.id, s.dir = id, filepath.Join(r.opts.Dir, "sandboxes", id)
	r.sandboxes[id] = s
	r.pullPause()
	return nil
}

func (r *Runtime) setUpSandbox(ctx context.Context, s *sandbox) error {
	dns := s.config.GetDnsConfig()
	m := s.config.Metadata
	var err error
	s.network, err = r.opts.Networks.Add(ctx, SandboxNetwork{
		ID: s.id, PodNamespace: m.Namespace, PodName: m.Name, PodUID: m.Uid, Hostname: s.hostname(), Host: s.hostNetwork(),
		DNSServers: dns.GetServers(), DNSSearches: dns.GetSearches(), DNSOptions: dns.GetOptions(),
	})
	if err != nil {
		return fmt.Errorf("failed to setup network for sandbox %q: %w", s.id, err)
	}
	if !s.hostNetwork() {
		r.mu.Lock()
		s.ips = s.network.Addresses()
		r.mu.Unlock()
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "resolv.conf"), resolvConf(dns), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "hostname"), []byte(s.hostname()+"\n"), 0o644); err != nil {
		return err
	}
	if dir := s.config.GetLogDirectory(); dir != "" {
		return os.MkdirAll(dir, 0o755)
	}
	return nil
}

// resolvConf writes a resolver configuration as resolv.conf(5) has it.
func resolvConf(dns *runtimeapi.DNSConfig) []byte {
	var b strings.Builder
	if s := dns.GetSearches(); len(s) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(s, " "))
	}
	for _, server := range dns.GetServers() {
		fmt.Fprintf(&b, "nameserver %s\n", server)
	}
	if o := dns.GetOptions(); len(o) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(o, " "))
	}
	return []byte(b.String())
}

func (r *Runtime) tearDownSandbox(ctx context.Context, s *sandbox) error {
	return errors.Join(r.opts.Networks.Remove(ctx, s.id), os.RemoveAll(s.dir))
}

// StopPodSandbox implements the CRI: running containers are killed without grace.
func (r *Runtime) StopPodSandbox(ctx context.Context, id string) error {
	r.mu.Lock()
	s := r.sandboxes[id]
	containers := r.containersOf(id)
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return errStopped
	}
	if s == nil {
		return nil // what is gone is stopped: the CRI wants this call to be idempotent
	}
	for _, c := range containers {
		if err := r.stopContainer(ctx, c, 0); err != nil {
			return fmt.Errorf("failed to stop container %q: %w", c.id, err)
		}
	}
	if err := r.opts.Networks.Remove(ctx, id); err != nil {
		return fmt.Errorf("failed to destroy network for sandbox %q: %w", id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ready {
		s.ready = false
		s.ips = nil
		r.emit(s, nil, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
	}
	return nil
}

// RemovePodSandbox implements the CRI: the sandbox is stopped and its containers are removed first.
func (r *Runtime) RemovePodSandbox(ctx context.Context, id string) error {
	if err := r.StopPodSandbox(ctx, id); err != nil {
		return err
	}
	r.mu.Lock()
	s := r.sandboxes[id]
	containers := r.containersOf(id)
	r.mu.Unlock()
	if s == nil {
		return nil
	}
	for _, c := range containers {
		if err := r.RemoveContainer(ctx, c.id); err != nil {
			return fmt.Errorf("failed to remove container %q: %w", c.id, err)
		}
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("failed to remove sandbox directory: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sandboxes[id] != nil {
		delete(r.sandboxes, id)
		r.emit(s, nil, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT)
	}
	return nil
}

// containersOf returns a sandbox's containers, oldest first. The caller holds r.mu.
func (r *Runtime) containersOf(id string) []*container {
	var list []*container
	for _, c := range r.containers {
		if c.sandbox.id == id {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *container) int { return a.created.Compare(b.created) })
	return list
}

// PodSandboxStatus implements the CRI.
func (r *Runtime) PodSandboxStatus(_ context.Context, id string, verbose bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	s := r.sandboxes[id]
	if s == nil {
		return nil, notFound("sandbox", id)
	}
	resp := &runtimeapi.PodSandboxStatusResponse{Status: s.status(), Timestamp: r.opts.Clock.Now().UnixNano()}
	for _, c := range r.containersOf(id) {
		resp.ContainersStatuses = append(resp.ContainersStatuses, c.status())
	}
	if verbose {
		resp.Info = map[string]string{"runtime": RuntimeName, "directory": s.dir}
	}
	return resp, nil
}

// status is what the CRI wants to know. The caller holds Runtime.mu.
func (s *sandbox) status() *runtimeapi.PodSandboxStatus {
	st := &runtimeapi.PodSandboxStatus{
		Id: s.id, Metadata: s.config.Metadata, State: s.state(), CreatedAt: s.created.UnixNano(),
		Labels: maps.Clone(s.config.Labels), Annotations: maps.Clone(s.config.Annotations), RuntimeHandler: s.handler,
		Network: &runtimeapi.PodSandboxNetworkStatus{},
		Linux: &runtimeapi.LinuxPodSandboxStatus{Namespaces: &runtimeapi.Namespace{
			Options: s.config.GetLinux().GetSecurityContext().GetNamespaceOptions(),
		}},
	}
	for i, ip := range s.ips {
		if i == 0 {
			st.Network.Ip = ip.String()
		} else {
			st.Network.AdditionalIps = append(st.Network.AdditionalIps, &runtimeapi.PodIP{Ip: ip.String()})
		}
	}
	return st
}

func (s *sandbox) state() runtimeapi.PodSandboxState {
	if s.ready {
		return runtimeapi.PodSandboxState_SANDBOX_READY
	}
	return runtimeapi.PodSandboxState_SANDBOX_NOTREADY
}

// ListPodSandbox implements the CRI.
func (r *Runtime) ListPodSandbox(_ context.Context, f *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	var list []*runtimeapi.PodSandbox
	for _, s := range r.sandboxes {
		if f.GetId() != "" && f.GetId() != s.id || f.GetState() != nil && f.State.State != s.state() ||
			!selects(f.GetLabelSelector(), s.config.Labels) {
			continue
		}
		list = append(list, &runtimeapi.PodSandbox{
			Id: s.id, Metadata: s.config.Metadata, State: s.state(), CreatedAt: s.created.UnixNano(),
			Labels: maps.Clone(s.config.Labels), Annotations: maps.Clone(s.config.Annotations), RuntimeHandler: s.handler,
		})
	}
	slices.SortFunc(list, func(a, b *runtimeapi.PodSandbox) int { return int(a.CreatedAt - b.CreatedAt) })
	return list, nil
}

// selects reports whether labels have all that selector asks for.
func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// UpdatePodSandboxResources implements the CRI. There is nothing to limit: programs share this process.
func (r *Runtime) UpdatePodSandboxResources(
	_ context.Context, req *runtimeapi.UpdatePodSandboxResourcesRequest,
) (*runtimeapi.UpdatePodSandboxResourcesResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sandboxes[req.GetPodSandboxId()] == nil {
		return nil, notFound("sandbox", req.GetPodSandboxId())
	}
	return &runtimeapi.UpdatePodSandboxResourcesResponse{}, nil
}
