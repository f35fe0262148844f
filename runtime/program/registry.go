package program

import (
	"maps"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PauseImage is what every Pod sandbox runs.
const PauseImage = "kubestep.dev/pause:v1"

// Registry is the images that can be pulled. It does not change after it was made.
type Registry struct{ images map[string]*Image }

// Lookup returns the image with a fully qualified name: "kubestep.dev/web:v1", or by digest,
// "kubestep.dev/web@sha256:...".
func (r *Registry) Lookup(name string) (*Image, bool) {
	img, ok := r.images[name]
	return img, ok
}

// Images returns all images by name.
func (r *Registry) Images() []*Image {
	var all []*Image
	for _, name := range slices.Sorted(maps.Keys(r.images)) {
		if img := r.images[name]; img.Name == name {
			all = append(all, img)
		}
	}
	return all
}

// Definition says what is in an image.
type Definition struct {
	Name     string // fully qualified: "kubestep.dev/web:v1"
	Config   ocispec.ImageConfig
	Programs map[string]Program // in /bin, by name
}

// NewRegistry returns the lab's images, and more: those whose programs need what this package does not import.
func NewRegistry(more ...Definition) (*Registry, error) {
	tools := applets()
	with := func(name string, p Program) map[string]Program {
		all := maps.Clone(tools)
		all[name] = p
		return all
	}
	workbench := maps.Clone(tools)
	maps.Copy(workbench, map[string]Program{
		"web": Web, "client": Client, "load": Load, "dns-client": DNSClient, "tcp-echo": TCPEcho,
	})
	path := []string{"PATH=" + defaultPath}
	r := &Registry{images: map[string]*Image{}}
	for _, def := range append([]Definition{
		{"kubestep.dev/web:v1", webConfig("v1"), with("web", Web)},
		{"kubestep.dev/web:v2", webConfig("v2"), with("web", Web)},
		{"kubestep.dev/client:v1", ocispec.ImageConfig{Env: path, Entrypoint: []string{"/bin/client"}}, with("client", Client)},
		{"kubestep.dev/load:v1", ocispec.ImageConfig{Env: path, Entrypoint: []string{"/bin/load"}}, with("load", Load)},
		{"kubestep.dev/dns-client:v1", ocispec.ImageConfig{
			Env: path, Entrypoint: []string{"/bin/dns-client"}}, with("dns-client", DNSClient)},
		{"kubestep.dev/tcp-echo:v1", ocispec.ImageConfig{
			Env: path, Entrypoint: []string{"/bin/tcp-echo"},
			ExposedPorts: map[string]struct{}{"7/tcp": {}, "7/udp": {}}}, with("tcp-echo", TCPEcho)},
		{"kubestep.dev/sleep:v1", ocispec.ImageConfig{
			Env: path, Entrypoint: []string{"/bin/sleep"}, Cmd: []string{"infinity"}}, tools},
		{"kubestep.dev/crash:v1", ocispec.ImageConfig{Env: path, Entrypoint: []string{"/bin/crash"}}, with("crash", Crash)},
		{"kubestep.dev/stubborn:v1", ocispec.ImageConfig{
			Env: path, Entrypoint: []string{"/bin/stubborn"}}, with("stubborn", Stubborn)},
		{"kubestep.dev/tools:v1", ocispec.ImageConfig{Env: path, Cmd: []string{"/bin/sh"}}, workbench},
		{PauseImage, ocispec.ImageConfig{
			User: "65535:65535", Env: path, Entrypoint: []string{"/bin/pause"}}, map[string]Program{"pause": Pause}},
	}, more...) {
		img, err := newImage(def.Name, def.Config, def.Programs)
		if err != nil {
			return nil, err
		}
		r.images[img.Name] = img
		r.images[img.Repository()+"@"+img.Digest.String()] = img
	}
	return r, nil
}

func webConfig(version string) ocispec.ImageConfig {
	return ocispec.ImageConfig{
		Env:          []string{"PATH=" + defaultPath, "VERSION=" + version},
		Entrypoint:   []string{"/bin/web"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
	}
}
