package kubelet

import (
	"context"
	"fmt"
	"time"

	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// runtimeService is the node's container runtime as the kubelet sees it: it stops answering when the power goes, and it
// carries out the network handlers of probes by itself. The methods that it does not override are called only in the
// course of one that it does, or by a request to the kubelet's server.
type runtimeService struct {
	internalapi.RuntimeService
	power    *power
	handlers *handlers
	// address is the node's, for Pods in its network.
	address string
}

// imageService is the node's image service, likewise.
type imageService struct {
	internalapi.ImageManagerService
	power *power
}

// powered makes one call that the power switch can end.
func powered[T any](ctx context.Context, p *power, call func(ctx context.Context) (T, error)) (T, error) {
	ctx, release, err := p.begin(ctx)
	if err != nil {
		var none T
		return none, err
	}
	defer release()
	return call(ctx)
}

// poweredErr is powered for calls that return only an error.
func poweredErr(ctx context.Context, p *power, call func(ctx context.Context) error) error {
	_, err := powered(ctx, p, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	return err
}

// ExecSync implements [internalapi.RuntimeService].
func (s *runtimeService) ExecSync(ctx context.Context, id string, command []string, timeout time.Duration) (stdout, stderr []byte, err error) {
	ctx, release, err := s.power.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	if !s.handlers.is(command) {
		return s.RuntimeService.ExecSync(ctx, id, command, timeout)
	}
	ip, err := s.podIP(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	stdout, err = s.handlers.run(ctx, command, ip, timeout)
	return stdout, nil, err
}

// podIP returns the address of the Pod that the container with the given ID is in.
func (s *runtimeService) podIP(ctx context.Context, container string) (string, error) {
	list, err := s.RuntimeService.ListContainers(ctx, &runtimeapi.ContainerFilter{Id: container})
	if err != nil {
		return "", fmt.Errorf("find the Pod of container %s: %w", container, err)
	}
	if len(list) != 1 {
		return "", fmt.Errorf("find the Pod of container %s: the runtime has %d containers with that ID", container, len(list))
	}
	sandbox, err := s.RuntimeService.PodSandboxStatus(ctx, list[0].GetPodSandboxId(), false)
	if err != nil {
		return "", fmt.Errorf("find the address of container %s: %w", container, err)
	}
	if ip := sandbox.GetStatus().GetNetwork().GetIp(); ip != "" {
		return ip, nil
	}
	return s.address, nil
}

// ListPodSandbox implements [internalapi.RuntimeService].
func (s *runtimeService) ListPodSandbox(ctx context.Context, f *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error) {
	return powered(ctx, s.power, func(ctx context.Context) ([]*runtimeapi.PodSandbox, error) {
		return s.RuntimeService.ListPodSandbox(ctx, f)
	})
}

// PodSandboxStatus implements [internalapi.RuntimeService].
func (s *runtimeService) PodSandboxStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	return powered(ctx, s.power, func(ctx context.Context) (*runtimeapi.PodSandboxStatusResponse, error) {
		return s.RuntimeService.PodSandboxStatus(ctx, id, verbose)
	})
}

// RunPodSandbox implements [internalapi.RuntimeService].
func (s *runtimeService) RunPodSandbox(ctx context.Context, c *runtimeapi.PodSandboxConfig, handler string) (string, error) {
	return powered(ctx, s.power, func(ctx context.Context) (string, error) {
		return s.RuntimeService.RunPodSandbox(ctx, c, handler)
	})
}

// StopPodSandbox implements [internalapi.RuntimeService].
func (s *runtimeService) StopPodSandbox(ctx context.Context, id string) error {
	return poweredErr(ctx, s.power, func(ctx context.Context) error { return s.RuntimeService.StopPodSandbox(ctx, id) })
}

// RemovePodSandbox implements [internalapi.RuntimeService].
func (s *runtimeService) RemovePodSandbox(ctx context.Context, id string) error {
	return poweredErr(ctx, s.power, func(ctx context.Context) error { return s.RuntimeService.RemovePodSandbox(ctx, id) })
}

// ListContainers implements [internalapi.RuntimeService].
func (s *runtimeService) ListContainers(ctx context.Context, f *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	return powered(ctx, s.power, func(ctx context.Context) ([]*runtimeapi.Container, error) {
		return s.RuntimeService.ListContainers(ctx, f)
	})
}

// ContainerStatus implements [internalapi.RuntimeService].
func (s *runtimeService) ContainerStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.ContainerStatusResponse, error) {
	return powered(ctx, s.power, func(ctx context.Context) (*runtimeapi.ContainerStatusResponse, error) {
		return s.RuntimeService.ContainerStatus(ctx, id, verbose)
	})
}

// CreateContainer implements [internalapi.RuntimeService].
func (s *runtimeService) CreateContainer(ctx context.Context, sandbox string, c *runtimeapi.ContainerConfig, sc *runtimeapi.PodSandboxConfig) (string, error) {
	return powered(ctx, s.power, func(ctx context.Context) (string, error) {
		return s.RuntimeService.CreateContainer(ctx, sandbox, c, sc)
	})
}

// StartContainer implements [internalapi.RuntimeService].
func (s *runtimeService) StartContainer(ctx context.Context, id string) error {
	return poweredErr(ctx, s.power, func(ctx context.Context) error { return s.RuntimeService.StartContainer(ctx, id) })
}

// StopContainer implements [internalapi.RuntimeService].
func (s *runtimeService) StopContainer(ctx context.Context, id string, timeout int64) error {
	return poweredErr(ctx, s.power, func(ctx context.Context) error {
		return s.RuntimeService.StopContainer(ctx, id, timeout)
	})
}

// RemoveContainer implements [internalapi.RuntimeService].
func (s *runtimeService) RemoveContainer(ctx context.Context, id string) error {
	return poweredErr(ctx, s.power, func(ctx context.Context) error { return s.RuntimeService.RemoveContainer(ctx, id) })
}

// ListContainerStats implements [internalapi.RuntimeService].
func (s *runtimeService) ListContainerStats(ctx context.Context, f *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error) {
	return powered(ctx, s.power, func(ctx context.Context) ([]*runtimeapi.ContainerStats, error) {
		return s.RuntimeService.ListContainerStats(ctx, f)
	})
}

// ListPodSandboxStats implements [internalapi.RuntimeService].
func (s *runtimeService) ListPodSandboxStats(ctx context.Context, f *runtimeapi.PodSandboxStatsFilter) ([]*runtimeapi.PodSandboxStats, error) {
	return powered(ctx, s.power, func(ctx context.Context) ([]*runtimeapi.PodSandboxStats, error) {
		return s.RuntimeService.ListPodSandboxStats(ctx, f)
	})
}

// Status implements [internalapi.RuntimeService].
func (s *runtimeService) Status(ctx context.Context, verbose bool) (*runtimeapi.StatusResponse, error) {
	return powered(ctx, s.power, func(ctx context.Context) (*runtimeapi.StatusResponse, error) {
		return s.RuntimeService.Status(ctx, verbose)
	})
}

// UpdateRuntimeConfig implements [internalapi.RuntimeService].
func (s *runtimeService) UpdateRuntimeConfig(ctx context.Context, c *runtimeapi.RuntimeConfig) error {
	return poweredErr(ctx, s.power, func(ctx context.Context) error { return s.RuntimeService.UpdateRuntimeConfig(ctx, c) })
}

// ListImages implements [internalapi.ImageManagerService].
func (s *imageService) ListImages(ctx context.Context, f *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	return powered(ctx, s.power, func(ctx context.Context) ([]*runtimeapi.Image, error) {
		return s.ImageManagerService.ListImages(ctx, f)
	})
}

// ImageStatus implements [internalapi.ImageManagerService].
func (s *imageService) ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, verbose bool) (*runtimeapi.ImageStatusResponse, error) {
	return powered(ctx, s.power, func(ctx context.Context) (*runtimeapi.ImageStatusResponse, error) {
		return s.ImageManagerService.ImageStatus(ctx, image, verbose)
	})
}

// PullImage implements [internalapi.ImageManagerService].
func (s *imageService) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	return powered(ctx, s.power, func(ctx context.Context) (string, error) {
		return s.ImageManagerService.PullImage(ctx, image, auth, sandbox)
	})
}

// ImageFsInfo implements [internalapi.ImageManagerService].
func (s *imageService) ImageFsInfo(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	return powered(ctx, s.power, s.ImageManagerService.ImageFsInfo)
}
