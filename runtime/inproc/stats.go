package inproc

import (
	"context"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Stats say what can be known. Files can be counted. Processor time and memory cannot: goroutines share them with the
// rest of this process, so those figures are left out, which readers of the CRI take as "unknown", rather than invented.

// ContainerStats implements the CRI.
func (r *Runtime) ContainerStats(_ context.Context, id string) (*runtimeapi.ContainerStats, error) {
	r.mu.Lock()
	c := r.containers[id]
	r.mu.Unlock()
	if c == nil {
		return nil, notFound("container", id)
	}
	return r.containerStats(c), nil
}

func (r *Runtime) containerStats(c *container) *runtimeapi.ContainerStats {
	bytes, inodes := usage(c.dir)
	return &runtimeapi.ContainerStats{
		Attributes: &runtimeapi.ContainerAttributes{
			Id: c.id, Metadata: c.config.Metadata, Labels: c.config.Labels, Annotations: c.config.Annotations,
		},
		WritableLayer: r.filesystem(c.dir, bytes, inodes),
	}
}

// ListContainerStats implements the CRI.
func (r *Runtime) ListContainerStats(_ context.Context, f *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error) {
	r.mu.Lock()
	var found []*container
	for _, c := range r.containers {
		if c.state == runtimeapi.ContainerState_CONTAINER_RUNNING && (f.GetId() == "" || f.GetId() == c.id) &&
			(f.GetPodSandboxId() == "" || f.GetPodSandboxId() == c.sandbox.id) && selects(f.GetLabelSelector(), c.config.Labels) {
			found = append(found, c)
		}
	}
	r.mu.Unlock()
	var list []*runtimeapi.ContainerStats
	for _, c := range found {
		list = append(list, r.containerStats(c))
	}
	return list, nil
}

// PodSandboxStats implements the CRI.
func (r *Runtime) PodSandboxStats(_ context.Context, id string) (*runtimeapi.PodSandboxStats, error) {
	r.mu.Lock()
	s := r.sandboxes[id]
	r.mu.Unlock()
	if s == nil {
		return nil, notFound("sandbox", id)
	}
	return r.sandboxStats(s), nil
}

func (r *Runtime) sandboxStats(s *sandbox) *runtimeapi.PodSandboxStats {
	r.mu.Lock()
	var running []*container
	var processes uint64
	for _, c := range r.containersOf(s.id) {
		if c.state == runtimeapi.ContainerState_CONTAINER_RUNNING {
			running = append(running, c)
			processes += uint64(len(c.processes.List()))
		}
	}
	r.mu.Unlock()
	now := r.opts.Clock.Now().UnixNano()
	stats := &runtimeapi.PodSandboxStats{
		Attributes: &runtimeapi.PodSandboxAttributes{
			Id: s.id, Metadata: s.config.Metadata, Labels: s.config.Labels, Annotations: s.config.Annotations,
		},
		Linux: &runtimeapi.LinuxPodSandboxStats{
			Process: &runtimeapi.ProcessUsage{Timestamp: now, ProcessCount: &runtimeapi.UInt64Value{Value: processes}},
		},
	}
	for _, c := range running {
		stats.Linux.Containers = append(stats.Linux.Containers, r.containerStats(c))
	}
	return stats
}

// ListPodSandboxStats implements the CRI.
func (r *Runtime) ListPodSandboxStats(_ context.Context, f *runtimeapi.PodSandboxStatsFilter) ([]*runtimeapi.PodSandboxStats, error) {
	r.mu.Lock()
	var found []*sandbox
	for _, s := range r.sandboxes {
		if s.ready && (f.GetId() == "" || f.GetId() == s.id) && selects(f.GetLabelSelector(), s.config.Labels) {
			found = append(found, s)
		}
	}
	r.mu.Unlock()
	var list []*runtimeapi.PodSandboxStats
	for _, s := range found {
		list = append(list, r.sandboxStats(s))
	}
	return list, nil
}

// ListMetricDescriptors implements the CRI: there are none.
func (r *Runtime) ListMetricDescriptors(context.Context) ([]*runtimeapi.MetricDescriptor, error) {
	return nil, nil
}

// ListPodSandboxMetrics implements the CRI: there are none.
func (r *Runtime) ListPodSandboxMetrics(context.Context) ([]*runtimeapi.PodSandboxMetrics, error) {
	return nil, nil
}
