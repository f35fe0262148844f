package inproc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/kubestep/kubestep/runtime/program"
)

// pulledImage is an image that this node has.
type pulledImage struct {
	*program.Image
	pinned bool // never removed by the kubelet's garbage collection
}

// normalize returns a reference as registries know it, "docker.io/library/nginx:latest" for "nginx". A digest wins over a
// tag.
func normalize(name string) (string, error) {
	ref, err := reference.ParseDockerRef(name)
	if err != nil {
		return "", status.Errorf(codes.InvalidArgument, "failed to parse image reference %q: %v", name, err)
	}
	return ref.String(), nil
}

// pulled returns the image that this node has under an ID, a name or a digest, nil when it has none. The caller holds
// r.mu.
func (r *Runtime) pulled(name string) *pulledImage {
	if img := r.images[name]; img != nil {
		return img
	}
	if img := r.images["sha256:"+name]; img != nil {
		return img
	}
	full, err := normalize(name)
	if err != nil {
		return nil
	}
	if known, ok := r.opts.Images.Lookup(full); ok {
		return r.images[known.ID.String()]
	}
	return nil
}

// pullPause makes sandboxes' own image present. The caller holds r.mu.
func (r *Runtime) pullPause() {
	if img, ok := r.opts.Images.Lookup(program.PauseImage); ok {
		r.images[img.ID.String()] = &pulledImage{Image: img, pinned: true}
	}
}

// PullImage implements the CRI. The registry has the lab's images and no others; what it lacks is answered as a registry
// answers. Credentials are not looked at.
func (r *Runtime) PullImage(
	_ context.Context, spec *runtimeapi.ImageSpec, _ *runtimeapi.AuthConfig, _ *runtimeapi.PodSandboxConfig,
) (string, error) {
	full, err := normalize(spec.GetImage())
	if err != nil {
		return "", err
	}
	img, ok := r.opts.Images.Lookup(full)
	if !ok {
		return "", status.Errorf(codes.NotFound,
			"failed to pull and unpack image %q: failed to resolve image: %s: not found", full, full)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return "", errStopped
	}
	if r.images[img.ID.String()] == nil {
		r.images[img.ID.String()] = &pulledImage{Image: img}
	}
	return img.ID.String(), nil
}

// ListImages implements the CRI.
func (r *Runtime) ListImages(_ context.Context, f *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	var list []*runtimeapi.Image
	if name := f.GetImage().GetImage(); name != "" {
		if img := r.pulled(name); img != nil {
			list = append(list, img.describe())
		}
		return list, nil
	}
	for _, img := range r.images {
		list = append(list, img.describe())
	}
	slices.SortFunc(list, func(a, b *runtimeapi.Image) int { return strings.Compare(a.Id, b.Id) })
	return list, nil
}

func (i *pulledImage) describe() *runtimeapi.Image {
	img := &runtimeapi.Image{
		Id: i.ID.String(), RepoTags: []string{i.Name}, RepoDigests: []string{i.Repository() + "@" + i.Digest.String()},
		Size: uint64(i.Size), Spec: &runtimeapi.ImageSpec{Image: i.Name}, Pinned: i.pinned,
	}
	user, _, _ := strings.Cut(i.Config.User, ":")
	var uid int64
	if user == "" {
		img.Uid = &runtimeapi.Int64Value{}
	} else if n, err := fmt.Sscan(user, &uid); n == 1 && err == nil {
		img.Uid = &runtimeapi.Int64Value{Value: uid}
	} else {
		img.Username = user
	}
	return img
}

// ImageStatus implements the CRI: an image that is not there is no error, but has no status.
func (r *Runtime) ImageStatus(_ context.Context, spec *runtimeapi.ImageSpec, verbose bool) (*runtimeapi.ImageStatusResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errStopped
	}
	img := r.pulled(spec.GetImage())
	if img == nil {
		return &runtimeapi.ImageStatusResponse{}, nil
	}
	resp := &runtimeapi.ImageStatusResponse{Image: img.describe()}
	if verbose {
		resp.Info = map[string]string{"programs": strings.Join(img.Programs(), " ")}
	}
	return resp, nil
}

// RemoveImage implements the CRI; removing what is not there is no error. Containers that run keep what they have.
func (r *Runtime) RemoveImage(_ context.Context, spec *runtimeapi.ImageSpec) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errStopped
	}
	if img := r.pulled(spec.GetImage()); img != nil {
		delete(r.images, img.ID.String())
	}
	return nil
}

// ImageFsInfo implements the CRI.
func (r *Runtime) ImageFsInfo(context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	r.mu.Lock()
	var used, count uint64
	for _, img := range r.images {
		used += uint64(img.Size)
		count++
	}
	r.mu.Unlock()
	containers := filepath.Join(r.opts.Dir, "containers")
	bytes, inodes := usage(containers)
	return &runtimeapi.ImageFsInfoResponse{
		ImageFilesystems:     []*runtimeapi.FilesystemUsage{r.filesystem(filepath.Join(r.opts.Dir, "images"), used, count)},
		ContainerFilesystems: []*runtimeapi.FilesystemUsage{r.filesystem(containers, bytes, inodes)},
	}, nil
}

func (r *Runtime) filesystem(dir string, bytes, inodes uint64) *runtimeapi.FilesystemUsage {
	return &runtimeapi.FilesystemUsage{
		Timestamp:  r.opts.Clock.Now().UnixNano(),
		FsId:       &runtimeapi.FilesystemIdentifier{Mountpoint: dir},
		UsedBytes:  &runtimeapi.UInt64Value{Value: bytes},
		InodesUsed: &runtimeapi.UInt64Value{Value: inodes},
	}
}

// usage returns what the files below dir take. What goes away in the meantime does not count.
func usage(dir string) (bytes, inodes uint64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		inodes++
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			bytes += uint64(info.Size())
		}
		return nil
	})
	return bytes, inodes
}
