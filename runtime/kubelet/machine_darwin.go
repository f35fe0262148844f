package kubelet

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// readHost asks sysctl(3).
func readHost() (hostFacts, error) {
	memory, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return hostFacts{}, fmt.Errorf("size of the memory: %w", err)
	}
	kernel, err := unix.Sysctl("kern.osrelease")
	if err != nil {
		return hostFacts{}, fmt.Errorf("name of the kernel: %w", err)
	}
	image := "macOS"
	if version, err := unix.Sysctl("kern.osproductversion"); err == nil {
		image += " " + version
	}
	return hostFacts{memory: memory, kernel: "Darwin " + kernel, osImage: image}, nil
}

// usedMemory returns the bytes of the host's memory that are in use: pages that are neither free nor reclaimable at once.
func usedMemory(total uint64) (uint64, error) {
	page, err := unix.SysctlUint32("hw.pagesize")
	if err != nil {
		return 0, fmt.Errorf("size of a page: %w", err)
	}
	free, err := unix.SysctlUint32("vm.page_free_count")
	if err != nil {
		return 0, fmt.Errorf("free memory: %w", err)
	}
	return total - uint64(free)*uint64(page), nil
}
