package cri

import (
	"context"

	"google.golang.org/protobuf/proto"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/engine/trace"
)

// imageTap passes calls that only read through by embedding.
type imageTap struct {
	internalapi.ImageManagerService
	*tap
}

// PullImage implements the CRI. Credentials are not reported.
func (t *imageTap) PullImage(
	ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, sandbox *runtimeapi.PodSandboxConfig,
) (ref string, err error) {
	c := call{
		method: "PullImage", pod: podOf(sandbox), detail: trace.CRIDetail{Image: imageOf(image)},
		request: &runtimeapi.PullImageRequest{Image: image, SandboxConfig: sandbox},
	}
	err = t.do(ctx, c, func(ctx context.Context) (proto.Message, error) {
		if ref, err = t.ImageManagerService.PullImage(ctx, image, auth, sandbox); err != nil {
			return nil, err
		}
		return &runtimeapi.PullImageResponse{ImageRef: ref}, nil
	})
	return ref, err
}

// RemoveImage implements the CRI.
func (t *imageTap) RemoveImage(ctx context.Context, image *runtimeapi.ImageSpec) error {
	c := call{
		method: "RemoveImage", detail: trace.CRIDetail{Image: imageOf(image)},
		request: &runtimeapi.RemoveImageRequest{Image: image},
	}
	return t.do(ctx, c, func(ctx context.Context) (proto.Message, error) {
		return nil, t.ImageManagerService.RemoveImage(ctx, image)
	})
}
