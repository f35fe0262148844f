package kubelet

import (
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	"k8s.io/kubernetes/pkg/volume"
)

// containerManager is upstream's container manager for nodes without cgroups, device plugins and CPU pinning, with the
// size of the disk added.
type containerManager struct {
	cm.ContainerManager
	machine *machine
	// onCgroupRoot is called whenever somebody asks for the Pods' cgroup.
	onCgroupRoot func()
	// volumes returns the volumes of a Pod that are mounted, by name.
	volumes func(types.UID) map[string]volume.Volume
	off     <-chan struct{}
}

// GetPodCgroupRoot implements [cm.ContainerManager].
func (c *containerManager) GetPodCgroupRoot() string {
	c.onCgroupRoot()
	return c.ContainerManager.GetPodCgroupRoot()
}

// GetCapacity implements [cm.ContainerManager]: what the kubelet reports besides cores, memory and Pods.
func (c *containerManager) GetCapacity(localStorage bool) v1.ResourceList {
	if !localStorage {
		return v1.ResourceList{}
	}
	fs, err := c.machine.RootFsInfo()
	if err != nil {
		return v1.ResourceList{}
	}
	return v1.ResourceList{
		v1.ResourceEphemeralStorage: *resource.NewQuantity(int64(fs.Capacity), resource.BinarySI), //nolint:gosec // 8 EiB
	}
}

// NewPodContainerManager implements [cm.ContainerManager]. The kubelet asks for a new one in each sync.
func (c *containerManager) NewPodContainerManager() cm.PodContainerManager {
	return &podCgroups{PodContainerManager: c.ContainerManager.NewPodContainerManager(), volumes: c.volumes, off: c.off}
}

// podCgroups are the cgroups of Pods that have none.
//
// A sync asks it whether the Pod's cgroup exists right before it waits for the Pod's volumes (kubelet.go, SyncPod). That
// wait looks once, at the start, and then every 300 ms (volume_manager.go, podAttachAndMountRetryInterval), although
// mounting takes some 100 ms here; nearly every Pod has a volume with a token. So the answer is given when the volumes
// are mounted, or those 300 ms have passed: what would have happened while the kubelet waited happens before.
type podCgroups struct {
	cm.PodContainerManager
	volumes func(types.UID) map[string]volume.Volume
	off     <-chan struct{}
	waited  bool
}

const (
	mountWait = 300 * time.Millisecond
	mountPoll = 5 * time.Millisecond
)

// Exists implements [cm.PodContainerManager].
func (p *podCgroups) Exists(pod *v1.Pod) bool {
	if !p.waited {
		p.waited = true
		p.awaitVolumes(pod)
	}
	return p.PodContainerManager.Exists(pod)
}

func (p *podCgroups) awaitVolumes(pod *v1.Pod) {
	if p.mounted(pod) {
		return
	}
	tick, end := time.NewTicker(mountPoll), time.NewTimer(mountWait)
	defer tick.Stop()
	defer end.Stop()
	for !p.mounted(pod) {
		select {
		case <-tick.C:
		case <-end.C:
			return
		case <-p.off:
			return
		}
	}
}

// mounted reports whether all volumes that containers of the Pod mount are there.
func (p *podCgroups) mounted(pod *v1.Pod) bool {
	there := p.volumes(pod.UID)
	for _, list := range [][]v1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for _, c := range list {
			for _, m := range c.VolumeMounts {
				if there[m.Name] == nil {
					return false
				}
			}
		}
	}
	return true
}
