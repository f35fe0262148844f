package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestUp(t *testing.T) {
	u := newUser(t)
	l := u.up(t, "--nodes", "2")
	if l.Version != kubernetes || l.Nodes != 2 {
		t.Errorf("the ready line says %+v", l.ready)
	}
	for _, phase := range []string{"etcd", "apiserver", "nodes"} {
		if l.TimingsMs[phase] <= 0 {
			t.Errorf("no time for %s in %v", phase, l.TimingsMs)
		}
	}
	info, err := os.Stat(l.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the kubeconfig has mode %04o, want 0600", info.Mode().Perm())
	}
	onlyLoopback(t, l.cmd.Process.Pid)

	l.stop(t)
	if left, _ := filepath.Glob(filepath.Join(u.home, "tmp", "kubestep-*", "*")); len(left) != 0 {
		t.Errorf("a stopped lab leaves %v behind", left)
	}
}

// onlyLoopback expects the process to listen on loopback alone, and to have no connection that leaves it.
func onlyLoopback(t *testing.T, pid int) {
	t.Helper()
	mine := map[string]bool{} // inodes
	fds, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
	if err != nil || len(fds) == 0 {
		t.Logf("not looked at: the system does not show the sockets of process %d", pid)
		return
	}
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil {
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				mine[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	listens := 0
	for _, file := range []string{"tcp", "tcp6", "udp", "udp6"} {
		raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/net/" + file)
		if err != nil {
			continue
		}
		for i, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
			fields := strings.Fields(line)
			if i == 0 || len(fields) < 10 || !mine[fields[9]] {
				continue
			}
			for _, address := range fields[1:3] {
				if ip := socketIP(t, address); !ip.IsLoopback() && !ip.IsUnspecified() || ip.IsUnspecified() && address == fields[1] {
					t.Errorf("%s: a socket with local %s and remote %s", file, fields[1], fields[2])
				}
			}
			listens++
		}
	}
	if listens == 0 {
		t.Error("the lab has no socket at all; its API server should have one")
	}
}

// socketIP reads the address of a line of /proc/net/tcp: hexadecimal 32-bit words in the host's byte order.
func socketIP(t *testing.T, s string) net.IP {
	t.Helper()
	hex, _, _ := strings.Cut(s, ":")
	var ip net.IP
	for i := 0; i+8 <= len(hex); i += 8 {
		word, err := strconv.ParseUint(hex[i:i+8], 16, 32)
		if err != nil {
			t.Fatalf("address %q: %v", s, err)
		}
		ip = append(ip, byte(word), byte(word>>8), byte(word>>16), byte(word>>24))
	}
	return ip
}

func TestUpEndsOnEverySignal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			l := newUser(t).up(t, "--nodes", "1")
			if err := l.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			l.ended = true
			<-l.rest
			if err := l.cmd.Wait(); err != nil || l.stderr.Len() != 0 {
				t.Errorf("ended with %v, and on stderr %q", err, l.stderr.String())
			}
		})
	}
}

func TestDataDirectory(t *testing.T) {
	u := newUser(t)
	dir := filepath.Join(u.home, "data")
	l := u.up(t, "--nodes", "1", "--data-dir", dir)
	l.kubectl(t, "create", "configmap", "kept", "--from-literal=a=b")
	l.kubectl(t, "create", "deployment", "web", "--image=kubestep.dev/web:v1")
	l.kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")

	t.Run("a second lab is refused", func(t *testing.T) {
		r := u.run(t, "", "up", "--json", "--data-dir", dir)
		if r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, "in use by another lab") {
			t.Errorf("got %+v, want a refusal", r)
		}
	})

	l.kill(t)
	again := u.up(t, "--nodes", "1", "--data-dir", dir)
	if got := again.kubectl(t, "get", "configmap", "kept", "-o", "jsonpath={.data.a}"); got != "b" {
		t.Errorf("after a kill, the ConfigMap holds %q, want b", got)
	}
	again.kubectl(t, "wait", "--for=condition=Ready", "node/node-1", "--timeout=60s")
	again.kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	// The node must have made the containers again, and not only have been believed.
	again.kubectl(t, "delete", "pod", "--all", "--timeout=60s")
	again.kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
}

func TestSameSeedSameNames(t *testing.T) {
	names := func() string {
		l := newUser(t).up(t, "--nodes", "1", "--seed", "7")
		l.kubectl(t, "create", "deployment", "web", "--image=kubestep.dev/web:v1")
		l.kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
		defer l.stop(t)
		return l.kubectl(t, "get", "pods", "-o", "name")
	}
	if a, b := names(), names(); a != b {
		t.Errorf("with the same seed, Pods are called %q and %q", a, b)
	}
}
