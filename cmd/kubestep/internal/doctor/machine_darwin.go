package doctor

import "golang.org/x/sys/unix"

// availableMemory returns the machine's memory in bytes; macOS swaps and compresses, so what is free says little.
func availableMemory() (uint64, error) { return unix.SysctlUint64("hw.memsize") }

func watches() Check {
	return Check{Name: "file watches", Result: OK, Detail: "kqueue"}
}
