package doctor

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// containers tries what nodes with real containers need.
func containers() []Check {
	checks := []Check{root(), runc(), cgroups(), overlay(), namespaces(), nftables()}
	for i := range checks {
		checks[i].Optional = true
	}
	return checks
}

func root() Check {
	if os.Geteuid() == 0 {
		return Check{Name: "root", Result: OK, Detail: "yes"}
	}
	return Check{Name: "root", Result: Warn, Detail: "no", Advice: "real containers need root: sudo kubestep ..."}
}

func runc() Check {
	path, err := exec.LookPath("runc")
	if err != nil {
		return Check{Name: "runc", Result: Warn, Detail: "not found", Advice: "install the package runc"}
	}
	return Check{Name: "runc", Result: OK, Detail: path}
}

func cgroups() Check {
	const dir = "/sys/fs/cgroup"
	c := Check{Name: "control groups", Result: OK}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		c.Result, c.Detail, c.Advice = Warn, err.Error(), "mount "+dir
		return c
	}
	c.Detail = "version 1"
	if fs.Type == unix.CGROUP2_SUPER_MAGIC {
		c.Detail = "version 2"
	}
	probe := filepath.Join(dir, "kubestep-probe")
	if c.Detail == "version 1" {
		probe = filepath.Join(dir, "pids", "kubestep-probe")
	}
	switch err := os.Mkdir(probe, 0o755); {
	case err == nil:
		_ = os.Remove(probe)
		c.Detail += ", groups can be made"
	case errors.Is(err, os.ErrExist):
		c.Detail += ", groups can be made"
	default:
		c.Result, c.Detail, c.Advice = Warn, c.Detail+": "+err.Error(), "run as root, with /sys/fs/cgroup writable"
	}
	return c
}

func overlay() Check {
	raw, err := os.ReadFile("/proc/filesystems")
	if err == nil && strings.Contains(string(raw), "\toverlay\n") {
		return Check{Name: "overlay", Result: OK, Detail: "the kernel has the file system"}
	}
	return Check{Name: "overlay", Result: Warn, Detail: "the kernel does not list the file system", Advice: "run: modprobe overlay"}
}

// namespaces tries to start a program in a network namespace of its own.
func namespaces() Check {
	c := Check{Name: "namespaces", Result: OK, Detail: "a network namespace can be made"}
	if err := tryNamespace(); err != nil {
		c.Result, c.Detail, c.Advice = Warn, "no network namespace: "+err.Error(), "run as root, in a container with --privileged"
	}
	return c
}

func nftables() Check {
	c := Check{Name: "nftables", Result: OK, Detail: "the kernel answers"}
	if err := tryNetfilter(); err != nil {
		c.Result, c.Detail, c.Advice = Warn, err.Error(), "run: modprobe nf_tables"
	}
	return c
}
