package cri

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/engine/trace"
)

// runtimeTap passes calls that only read through by embedding.
type runtimeTap struct {
	internalapi.RuntimeService
	*tap
}

// RunPodSandbox implements the CRI.
func (t *runtimeTap) RunPodSandbox(
	ctx context.Context, config *runtimeapi.PodSandboxConfig, handler string,
) (id string, err error) {
	c := call{method: "RunPodSandbox", pod: podOf(config),
		request: &runtimeapi.RunPodSandboxRequest{Config: config, RuntimeHandler: handler}}
	err = t.do(ctx, c, func(ctx context.Context) (proto.Message, error) {
		if id, err = t.RuntimeService.RunPodSandbox(ctx, config, handler); err != nil {
			return nil, err
		}
		t.rememberSandbox(id, c.pod)
		return &runtimeapi.RunPodSandboxResponse{PodSandboxId: id}, nil
	})
	return id, err
}

// onSandbox reports a call about a sandbox.
func (t *runtimeTap) onSandbox(
	ctx context.Context, method, id string, request proto.Message, next func(ctx context.Context) (proto.Message, error),
) error {
	return t.do(ctx, call{
		method: method, pod: t.sandbox(ctx, t.RuntimeService, id), detail: trace.CRIDetail{Sandbox: id}, request: request,
	}, next)
}

// StopPodSandbox implements the CRI.
func (t *runtimeTap) StopPodSandbox(ctx context.Context, id string) error {
	return t.onSandbox(ctx, "StopPodSandbox", id, &runtimeapi.StopPodSandboxRequest{PodSandboxId: id},
		func(ctx context.Context) (proto.Message, error) { return nil, t.RuntimeService.StopPodSandbox(ctx, id) })
}

// RemovePodSandbox implements the CRI.
func (t *runtimeTap) RemovePodSandbox(ctx context.Context, id string) error {
	return t.onSandbox(ctx, "RemovePodSandbox", id, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: id},
		func(ctx context.Context) (proto.Message, error) {
			err := t.RuntimeService.RemovePodSandbox(ctx, id)
			if err == nil {
				t.forgetSandbox(id)
			}
			return nil, err
		})
}

// PortForward implements the CRI.
func (t *runtimeTap) PortForward(
	ctx context.Context, req *runtimeapi.PortForwardRequest,
) (resp *runtimeapi.PortForwardResponse, err error) {
	err = t.onSandbox(ctx, "PortForward", req.GetPodSandboxId(), req, func(ctx context.Context) (proto.Message, error) {
		resp, err = t.RuntimeService.PortForward(ctx, req)
		return nil, err // the response is a URL with a secret token
	})
	return resp, err
}

// UpdatePodSandboxResources implements the CRI.
func (t *runtimeTap) UpdatePodSandboxResources(
	ctx context.Context, req *runtimeapi.UpdatePodSandboxResourcesRequest,
) (resp *runtimeapi.UpdatePodSandboxResourcesResponse, err error) {
	err = t.onSandbox(ctx, "UpdatePodSandboxResources", req.GetPodSandboxId(), req,
		func(ctx context.Context) (proto.Message, error) {
			resp, err = t.RuntimeService.UpdatePodSandboxResources(ctx, req)
			return nil, err
		})
	return resp, err
}

// CreateContainer implements the CRI.
func (t *runtimeTap) CreateContainer(
	ctx context.Context, sandbox string, config *runtimeapi.ContainerConfig, sandboxConfig *runtimeapi.PodSandboxConfig,
) (id string, err error) {
	k := known{sandbox: sandbox, name: config.GetMetadata().GetName(), image: imageOf(config.GetImage()), pod: podOf(sandboxConfig)}
	c := call{
		method: "CreateContainer", pod: k.pod, detail: trace.CRIDetail{Sandbox: sandbox, Name: k.name, Image: k.image},
		request: &runtimeapi.CreateContainerRequest{PodSandboxId: sandbox, Config: config, SandboxConfig: sandboxConfig},
	}
	err = t.do(ctx, c, func(ctx context.Context) (proto.Message, error) {
		if id, err = t.RuntimeService.CreateContainer(ctx, sandbox, config, sandboxConfig); err != nil {
			return nil, err
		}
		t.rememberContainer(id, k)
		return &runtimeapi.CreateContainerResponse{ContainerId: id}, nil
	})
	return id, err
}

// imageOf prefers the name that the Pod gives to the ID that the kubelet resolved it to.
func imageOf(spec *runtimeapi.ImageSpec) string {
	if name := spec.GetUserSpecifiedImage(); name != "" {
		return name
	}
	return spec.GetImage()
}

// onContainer reports a call about a container.
func (t *runtimeTap) onContainer(
	ctx context.Context, method, id string, request proto.Message, next func(ctx context.Context) (proto.Message, error),
) error {
	k := t.container(ctx, t.RuntimeService, id)
	return t.do(ctx, call{
		method: method, pod: k.pod, request: request,
		detail: trace.CRIDetail{Sandbox: k.sandbox, Container: id, Name: k.name, Image: k.image},
	}, next)
}

// StartContainer implements the CRI.
func (t *runtimeTap) StartContainer(ctx context.Context, id string) error {
	return t.onContainer(ctx, "StartContainer", id, &runtimeapi.StartContainerRequest{ContainerId: id},
		func(ctx context.Context) (proto.Message, error) { return nil, t.RuntimeService.StartContainer(ctx, id) })
}

// StopContainer implements the CRI.
func (t *runtimeTap) StopContainer(ctx context.Context, id string, timeout int64) error {
	return t.onContainer(ctx, "StopContainer", id, &runtimeapi.StopContainerRequest{ContainerId: id, Timeout: timeout},
		func(ctx context.Context) (proto.Message, error) {
			return nil, t.RuntimeService.StopContainer(ctx, id, timeout)
		})
}

// RemoveContainer implements the CRI.
func (t *runtimeTap) RemoveContainer(ctx context.Context, id string) error {
	return t.onContainer(ctx, "RemoveContainer", id, &runtimeapi.RemoveContainerRequest{ContainerId: id},
		func(ctx context.Context) (proto.Message, error) {
			err := t.RuntimeService.RemoveContainer(ctx, id)
			if err == nil {
				t.forgetContainer(id)
			}
			return nil, err
		})
}

// UpdateContainerResources implements the CRI.
func (t *runtimeTap) UpdateContainerResources(ctx context.Context, id string, res *runtimeapi.ContainerResources) error {
	req := &runtimeapi.UpdateContainerResourcesRequest{ContainerId: id, Linux: res.GetLinux(), Windows: res.GetWindows()}
	return t.onContainer(ctx, "UpdateContainerResources", id, req, func(ctx context.Context) (proto.Message, error) {
		return nil, t.RuntimeService.UpdateContainerResources(ctx, id, res)
	})
}

// ExecSync implements the CRI. The response, which holds the output, is reported with an exit code other than 0 too.
func (t *runtimeTap) ExecSync(
	ctx context.Context, id string, cmd []string, timeout time.Duration,
) (stdout, stderr []byte, err error) {
	req := &runtimeapi.ExecSyncRequest{ContainerId: id, Cmd: cmd, Timeout: seconds(timeout)}
	err = t.onContainer(ctx, "ExecSync", id, req, func(ctx context.Context) (proto.Message, error) {
		stdout, stderr, err = t.RuntimeService.ExecSync(ctx, id, cmd, timeout)
		resp := &runtimeapi.ExecSyncResponse{Stdout: stdout, Stderr: stderr}
		if exit, ok := err.(interface{ ExitStatus() int }); ok {
			resp.ExitCode = int32(exit.ExitStatus())
		}
		return resp, err
	})
	return stdout, stderr, err
}

// Exec implements the CRI.
func (t *runtimeTap) Exec(ctx context.Context, req *runtimeapi.ExecRequest) (resp *runtimeapi.ExecResponse, err error) {
	err = t.onContainer(ctx, "Exec", req.GetContainerId(), req, func(ctx context.Context) (proto.Message, error) {
		resp, err = t.RuntimeService.Exec(ctx, req)
		return nil, err // the response is a URL with a secret token
	})
	return resp, err
}

// Attach implements the CRI.
func (t *runtimeTap) Attach(ctx context.Context, req *runtimeapi.AttachRequest) (resp *runtimeapi.AttachResponse, err error) {
	err = t.onContainer(ctx, "Attach", req.GetContainerId(), req, func(ctx context.Context) (proto.Message, error) {
		resp, err = t.RuntimeService.Attach(ctx, req)
		return nil, err // the response is a URL with a secret token
	})
	return resp, err
}

// ReopenContainerLog implements the CRI.
func (t *runtimeTap) ReopenContainerLog(ctx context.Context, id string) error {
	return t.onContainer(ctx, "ReopenContainerLog", id, &runtimeapi.ReopenContainerLogRequest{ContainerId: id},
		func(ctx context.Context) (proto.Message, error) {
			return nil, t.RuntimeService.ReopenContainerLog(ctx, id)
		})
}

// CheckpointContainer implements the CRI.
func (t *runtimeTap) CheckpointContainer(ctx context.Context, req *runtimeapi.CheckpointContainerRequest) error {
	return t.onContainer(ctx, "CheckpointContainer", req.GetContainerId(), req,
		func(ctx context.Context) (proto.Message, error) {
			return nil, t.RuntimeService.CheckpointContainer(ctx, req)
		})
}

// UpdateRuntimeConfig implements the CRI. It is never held: the kubelet calls it on its way to report the node's status.
func (t *runtimeTap) UpdateRuntimeConfig(ctx context.Context, config *runtimeapi.RuntimeConfig) error {
	c := call{method: "UpdateRuntimeConfig", background: true, request: &runtimeapi.UpdateRuntimeConfigRequest{RuntimeConfig: config}}
	return t.do(ctx, c, func(ctx context.Context) (proto.Message, error) {
		return nil, t.RuntimeService.UpdateRuntimeConfig(ctx, config)
	})
}
