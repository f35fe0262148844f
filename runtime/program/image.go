package program

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// defaultPath is where images keep their programs and where commands are looked for.
const defaultPath = "/bin"

// Image is what a reference such as "kubestep.dev/web:v1" stands for. Its digests are computed from its content as a
// registry does it, so they differ when anything in it does.
type Image struct {
	Name string // "kubestep.dev/web:v1"
	// ID is the digest of the image's configuration, as a container runtime shows it.
	ID digest.Digest
	// Digest is the digest of the manifest, as in "kubestep.dev/web@sha256:...".
	Digest digest.Digest
	// Size is the bytes of manifest, configuration and content list: the programs themselves are part of the lab.
	Size   int64
	Config ocispec.ImageConfig

	programs map[string]Program // by name
}

// Repository returns the name without the tag: "kubestep.dev/web".
func (i *Image) Repository() string {
	name, _, _ := strings.Cut(i.Name, ":")
	return name
}

// Command returns the command line of a container, by the OCI rules that Kubernetes documents: command replaces the
// image's entrypoint and drops its default arguments; args replaces the default arguments.
func (i *Image) Command(command, args []string) []string {
	switch {
	case len(command) > 0:
		return slices.Concat(command, args)
	case len(args) > 0:
		return slices.Concat(i.Config.Entrypoint, args)
	}
	return slices.Concat(i.Config.Entrypoint, i.Config.Cmd)
}

// Programs returns the names of the programs in the image's /bin, sorted.
func (i *Image) Programs() []string { return slices.Sorted(maps.Keys(i.programs)) }

// Find returns the program that a command name stands for: a path, or a name that is looked for in Env's PATH.
func (i *Image) Find(w *World, name string) (Program, bool) {
	if strings.Contains(name, "/") {
		name = w.Abs(name)
		if path.Dir(name) != defaultPath {
			return nil, false
		}
		p, ok := i.programs[path.Base(name)]
		return p, ok
	}
	if !slices.Contains(strings.Split(w.Getenv("PATH"), ":"), defaultPath) {
		return nil, false
	}
	p, ok := i.programs[name]
	return p, ok
}

// newImage computes an image's digests from its configuration and its programs' names.
func newImage(name string, config ocispec.ImageConfig, programs map[string]Program) (*Image, error) {
	img := &Image{Name: name, Config: config, programs: programs}
	content := []byte(strings.Join(img.Programs(), "\n"))
	full := ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "kubestep"}, // no machine code in it
		Config:   config,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(content)}},
	}
	rawConfig, err := json.Marshal(full)
	if err != nil {
		return nil, fmt.Errorf("describe image %s: %w", name, err)
	}
	img.ID = digest.FromBytes(rawConfig)
	rawManifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: img.ID, Size: int64(len(rawConfig))},
		Layers: []ocispec.Descriptor{{
			MediaType: "application/vnd.kubestep.programs", Digest: digest.FromBytes(content), Size: int64(len(content)),
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("describe image %s: %w", name, err)
	}
	img.Digest = digest.FromBytes(rawManifest)
	img.Size = int64(len(rawConfig) + len(rawManifest) + len(content))
	return img, nil
}
