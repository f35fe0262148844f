package kubelet

import (
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/configmap"
	"k8s.io/kubernetes/pkg/volume/downwardapi"
	"k8s.io/kubernetes/pkg/volume/emptydir"
	"k8s.io/kubernetes/pkg/volume/hostpath"
	"k8s.io/kubernetes/pkg/volume/projected"
	"k8s.io/kubernetes/pkg/volume/secret"
)

// volumePlugins returns the plugins for the kinds of volume that need nothing but files. hostRoot is what hostPath
// volumes see as "/". There is no CSI: a second kubelet of a process would share its drivers with the first.
func volumePlugins(hostRoot string) []volume.VolumePlugin {
	var all []volume.VolumePlugin
	for _, probe := range [][]volume.VolumePlugin{
		emptydir.ProbeVolumePlugins(),
		configmap.ProbeVolumePlugins(),
		secret.ProbeVolumePlugins(),
		downwardapi.ProbeVolumePlugins(),
		projected.ProbeVolumePlugins(),
	} {
		for _, p := range probe {
			all = append(all, unowned{p})
		}
	}
	for _, p := range hostpath.ProbeVolumePlugins(volume.VolumeConfig{}) {
		if pv, ok := p.(volume.PersistentVolumePlugin); ok {
			all = append(all, rooted{PersistentVolumePlugin: pv, root: hostRoot})
		}
	}
	return all
}

// unowned is a plugin whose volumes belong to the user who runs the lab, whatever runAsUser and fsGroup say: an ordinary
// user cannot give files away, and a container is no process of another user that could be kept out. A projected token
// for another user would otherwise fail the Pod.
type unowned struct{ volume.VolumePlugin }

// NewMounter implements [volume.VolumePlugin].
func (p unowned) NewMounter(spec *volume.Spec, pod *v1.Pod) (volume.Mounter, error) {
	m, err := p.VolumePlugin.NewMounter(spec, pod)
	if err != nil {
		return nil, err
	}
	return unownedMounter{m}, nil
}

type unownedMounter struct{ volume.Mounter }

// SetUp implements [volume.Mounter].
func (m unownedMounter) SetUp(args volume.MounterArgs) error {
	args.FsUser, args.FsGroup = nil, nil
	return m.Mounter.SetUp(args)
}

// SetUpAt implements [volume.Mounter].
func (m unownedMounter) SetUpAt(dir string, args volume.MounterArgs) error {
	args.FsUser, args.FsGroup = nil, nil
	return m.Mounter.SetUpAt(dir, args)
}

// rooted is the hostPath plugin of a node whose "/" is a directory of the host: the learner's own files are no part of
// the lab.
type rooted struct {
	volume.PersistentVolumePlugin
	root string
}

// NewMounter implements [volume.VolumePlugin].
func (p rooted) NewMounter(spec *volume.Spec, pod *v1.Pod) (volume.Mounter, error) {
	return p.PersistentVolumePlugin.NewMounter(p.here(spec), pod)
}

func (p rooted) here(spec *volume.Spec) *volume.Spec {
	s := *spec
	switch {
	case s.Volume != nil && s.Volume.HostPath != nil:
		s.Volume = s.Volume.DeepCopy()
		s.Volume.HostPath.Path = filepath.Join(p.root, filepath.Clean("/"+s.Volume.HostPath.Path))
	case s.PersistentVolume != nil && s.PersistentVolume.Spec.HostPath != nil:
		s.PersistentVolume = s.PersistentVolume.DeepCopy()
		s.PersistentVolume.Spec.HostPath.Path = filepath.Join(p.root, filepath.Clean("/"+s.PersistentVolume.Spec.HostPath.Path))
	}
	return &s
}
