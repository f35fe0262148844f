package kubelet

import (
	"context"
	"fmt"
	"runtime"
	"time"

	cadvisorapi "github.com/google/cadvisor/info/v1"
	cadvisorapiv2 "github.com/google/cadvisor/info/v2"
	"github.com/google/uuid"
	"golang.org/x/sys/unix"
	"k8s.io/kubernetes/pkg/kubelet/cadvisor"
)

// hostFacts is what a node tells of the machine it runs on.
type hostFacts struct {
	memory  uint64 // bytes
	kernel  string // "6.8.0-31-generic"
	osImage string // "Ubuntu 24.04.2 LTS"
}

// machine tells the kubelet about the node's machine, which is the host: every node has all of its cores and memory.
// It takes cAdvisor's place, which would walk the host's cgroups and watch the host's processes.
type machine struct {
	info    cadvisorapi.MachineInfo
	version cadvisorapi.VersionInfo
	dir     string
}

var _ cadvisor.Interface = (*machine)(nil)

// newMachine returns the machine of the node with the given name, whose data are in dir.
func newMachine(name, dir string) (*machine, error) {
	facts, err := readHost()
	if err != nil {
		return nil, fmt.Errorf("look at the machine: %w", err)
	}
	// The host's own identifiers stay out of the cluster; each node has its own, the same in every run.
	id := uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name+".kubestep.dev"))
	return &machine{
		dir: dir,
		info: cadvisorapi.MachineInfo{
			NumCores:         runtime.NumCPU(),
			NumPhysicalCores: runtime.NumCPU(),
			NumSockets:       1,
			MemoryCapacity:   facts.memory,
			MachineID:        fmt.Sprintf("%x", id[:]),
			SystemUUID:       id.String(),
			BootID:           uuid.NewString(),
		},
		version: cadvisorapi.VersionInfo{KernelVersion: facts.kernel, ContainerOsVersion: facts.osImage},
	}, nil
}

// Start implements [cadvisor.Interface]; nothing runs in the background.
func (m *machine) Start() error { return nil }

// MachineInfo implements [cadvisor.Interface].
func (m *machine) MachineInfo() (*cadvisorapi.MachineInfo, error) {
	info := m.info
	return &info, nil
}

// VersionInfo implements [cadvisor.Interface].
func (m *machine) VersionInfo() (*cadvisorapi.VersionInfo, error) {
	version := m.version
	return &version, nil
}

// ContainerInfoV2 implements [cadvisor.Interface]. It knows the root cgroup only, as the whole machine; containers'
// figures come from the CRI.
func (m *machine) ContainerInfoV2(name string, _ cadvisorapiv2.RequestOptions) (map[string]cadvisorapiv2.ContainerInfo, error) {
	if name != "/" {
		return nil, fmt.Errorf("cgroup %q: this node has no cgroups", name)
	}
	used, err := usedMemory(m.info.MemoryCapacity)
	if err != nil {
		return nil, err
	}
	return map[string]cadvisorapiv2.ContainerInfo{"/": {
		Spec: cadvisorapiv2.ContainerSpec{
			HasMemory: true,
			Memory:    cadvisorapiv2.MemorySpec{Limit: m.info.MemoryCapacity},
		},
		Stats: []*cadvisorapiv2.ContainerStats{{
			Timestamp: time.Now(),
			Memory:    &cadvisorapi.MemoryStats{Usage: used, WorkingSet: used},
		}},
	}}, nil
}

// GetRequestedContainersInfo implements [cadvisor.Interface] for /metrics/cadvisor, which has nothing to say here.
func (m *machine) GetRequestedContainersInfo(string, cadvisorapiv2.RequestOptions) (map[string]*cadvisorapi.ContainerInfo, error) {
	return map[string]*cadvisorapi.ContainerInfo{}, nil
}

// ImagesFsInfo implements [cadvisor.Interface].
func (m *machine) ImagesFsInfo(context.Context) (cadvisorapiv2.FsInfo, error) {
	return m.GetDirFsInfo(m.dir)
}

// ContainerFsInfo implements [cadvisor.Interface].
func (m *machine) ContainerFsInfo(context.Context) (cadvisorapiv2.FsInfo, error) {
	return m.GetDirFsInfo(m.dir)
}

// RootFsInfo implements [cadvisor.Interface].
func (m *machine) RootFsInfo() (cadvisorapiv2.FsInfo, error) { return m.GetDirFsInfo(m.dir) }

// GetDirFsInfo implements [cadvisor.Interface].
func (m *machine) GetDirFsInfo(path string) (cadvisorapiv2.FsInfo, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return cadvisorapiv2.FsInfo{}, fmt.Errorf("size of the file system of %s: %w", path, err)
	}
	block := uint64(s.Bsize) //nolint:unconvert // its type differs between systems
	inodes, free := s.Files, uint64(s.Ffree)
	return cadvisorapiv2.FsInfo{
		Timestamp:  time.Now(),
		Mountpoint: path,
		Capacity:   s.Blocks * block,
		Available:  uint64(s.Bavail) * block,
		Usage:      (s.Blocks - s.Bfree) * block,
		Inodes:     &inodes,
		InodesFree: &free,
	}, nil
}
