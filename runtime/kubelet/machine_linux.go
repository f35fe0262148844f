package kubelet

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// readHost reads /proc/meminfo, uname and os-release(5).
func readHost() (hostFacts, error) {
	total, _, err := memInfo()
	if err != nil {
		return hostFacts{}, err
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return hostFacts{}, fmt.Errorf("name of the kernel: %w", err)
	}
	return hostFacts{memory: total, kernel: unix.ByteSliceToString(u.Release[:]), osImage: osRelease()}, nil
}

// usedMemory returns the bytes of the host's memory that are in use.
func usedMemory(uint64) (uint64, error) {
	total, available, err := memInfo()
	return total - available, err
}

func memInfo() (total, available uint64, err error) {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0, fmt.Errorf("size of the memory: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line) // "MemTotal:       16306512 kB"
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "MemTotal:":
			total, err = strconv.ParseUint(f[1], 10, 64)
		case "MemAvailable:":
			available, err = strconv.ParseUint(f[1], 10, 64)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("size of the memory: %w", err)
		}
	}
	return total << 10, available << 10, nil
}

// osRelease returns the distribution's name for a reader, "Linux" when there is none.
func osRelease() string {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return "Linux"
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, ok := strings.CutPrefix(s.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return "Linux"
}
