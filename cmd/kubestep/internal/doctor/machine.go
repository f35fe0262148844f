package doctor

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/settings"
)

// Disk space that a lab writes in an afternoon, and with how much it is at ease.
const (
	leastDisk = 200 << 20
	goodDisk  = 1 << 30
)

// deepestSocket is the longest path of a socket below the run directory: a kubelet's device plugin socket.
const deepestSocket = "lab-0000000000/nodes/node-99/device-plugins/kubelet.sock"

// maxSocket is how long a socket's path may be on every system that kubestep runs on (macOS has the lowest).
const maxSocket = 103

func directories(w World) []Check {
	run := Check{Name: "lab files", Result: OK, Detail: w.Dirs.Run}
	if err := settings.Private(w.Dirs.Run); err != nil {
		run.Result, run.Detail = Fail, err.Error()
		return []Check{run, home(w)}
	}
	return []Check{run, sockets(w.Dirs.Run), disk(w.Dirs.Run), home(w)}
}

func sockets(dir string) Check {
	c := Check{Name: "unix sockets", Result: OK}
	if n := len(filepath.Join(dir, deepestSocket)); n > maxSocket {
		c.Result, c.Detail = Fail, fmt.Sprintf("paths below %s get %d bytes long, the system allows %d", dir, n, maxSocket)
		c.Advice = "set TMPDIR or XDG_RUNTIME_DIR to a directory with a shorter path"
		return c
	}
	l, err := net.Listen("unix", filepath.Join(dir, fmt.Sprintf("probe-%d.sock", os.Getpid())))
	if err != nil {
		c.Result, c.Detail = Fail, err.Error()
		c.Advice = "set TMPDIR or XDG_RUNTIME_DIR to a directory on a local file system"
		return c
	}
	l.Close()
	c.Detail = "work in " + dir
	return c
}

func disk(dir string) Check {
	var fs unix.Statfs_t
	if err := unix.Statfs(existing(dir), &fs); err != nil {
		return Check{Name: "disk space", Result: Warn, Detail: "unknown: " + err.Error()}
	}
	free := fs.Bavail * uint64(fs.Bsize) //nolint:gosec // a block size is positive
	c := Check{Name: "disk space", Result: OK, Detail: megabytes(free) + " free for " + dir}
	switch {
	case free < leastDisk:
		c.Result, c.Advice = Fail, "a lab needs about 200 MB: free some, or set TMPDIR to a directory on another disk"
	case free < goodDisk:
		c.Result, c.Advice = Warn, "a lab that runs for hours may fill it"
	}
	return c
}

func home(w World) Check {
	c := Check{Name: "home", Result: OK, Detail: w.Dirs.State}
	if w.Dirs.State == "" {
		c.Result, c.Detail = Warn, "HOME is not set"
		c.Advice = "a lab runs; logs and settings are not kept"
		return c
	}
	if err := unix.Access(existing(w.Dirs.State), unix.W_OK); err != nil {
		c.Result, c.Detail = Warn, existing(w.Dirs.State)+" cannot be written: "+err.Error()
		c.Advice = "a lab runs; logs are not kept. Set XDG_STATE_HOME to a directory of yours"
	}
	return c
}

func loopback() Check {
	c := Check{Name: "loopback", Result: OK, Detail: "127.0.0.1 takes connections"}
	if err := tryLoopback(); err != nil {
		c.Result, c.Detail = Fail, err.Error()
		c.Advice = "the API server listens on 127.0.0.1: bring the interface up (ip link set lo up), or allow it in the sandbox"
	}
	return c
}

func tryLoopback() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Write([]byte("x"))
			conn.Close()
		}
	}()
	conn, err := net.DialTimeout("tcp", l.Addr().String(), 2*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

// Open files: a lab of three nodes has about 300.
const (
	leastFiles = 512
	goodFiles  = 2048
)

func openFiles() Check {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return Check{Name: "open files", Result: Warn, Detail: "unknown: " + err.Error()}
	}
	c := Check{Name: "open files", Result: OK, Detail: fmt.Sprintf("%d allowed", limit.Cur)}
	switch {
	case limit.Cur < leastFiles:
		c.Result, c.Advice = Fail, "run: ulimit -n 4096"
	case limit.Cur < goodFiles:
		c.Result, c.Advice = Warn, "enough for few nodes; for more run: ulimit -n 4096"
	}
	return c
}
