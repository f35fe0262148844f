package kubelet

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/kubernetes/pkg/kubelet/cm"
)

// containerManager is upstream's container manager for nodes without cgroups, device plugins and CPU pinning, with the
// size of the disk added.
type containerManager struct {
	cm.ContainerManager
	machine *machine
	// onCgroupRoot is called whenever somebody asks for the Pods' cgroup.
	onCgroupRoot func()
}

func newContainerManager(m *machine, onCgroupRoot func()) *containerManager {
	return &containerManager{ContainerManager: cm.NewStubContainerManager(), machine: m, onCgroupRoot: onCgroupRoot}
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
