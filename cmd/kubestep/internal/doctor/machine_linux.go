package doctor

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// availableMemory returns what new programs can use, in bytes: the least of what the machine and the process's control
// group leave.
func availableMemory() (uint64, error) {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	free, err := memAvailable(string(raw))
	if err != nil {
		return 0, err
	}
	for _, files := range [][2]string{
		{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
		{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"},
	} {
		limit, used := readNumber(files[0]), readNumber(files[1])
		if limit > 0 && used <= limit { // "max" reads as 0
			free = min(free, limit-used)
		}
	}
	return free, nil
}

func memAvailable(meminfo string) (uint64, error) {
	for line := range strings.Lines(meminfo) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kb, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/meminfo has no MemAvailable")
}

func readNumber(file string) uint64 {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// watches tries what the API server and the kubelets watch their files with.
func watches() Check {
	c := Check{Name: "file watches", Result: OK, Detail: "inotify works"}
	const advice = "run as root: sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=65536"
	var fds []int
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	// Each kubelet takes a few, the API server and the controllers a dozen.
	for range 32 {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			c.Result, c.Advice = Fail, advice
			c.Detail = fmt.Sprintf("inotify: %v after %d instances", err, len(fds))
			return c
		}
		fds = append(fds, fd)
	}
	if _, err := unix.InotifyAddWatch(fds[0], "/", unix.IN_CREATE); err != nil {
		c.Result, c.Detail, c.Advice = Fail, "inotify: "+err.Error(), advice
	}
	return c
}
