package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// KWOK is what another way to get a cluster without machines needs here: the control plane as separate programs, and no
// kubelets.
type KWOK struct {
	Version    string  `json:"version"`
	ReadyMs    float64 `json:"readyMs"` // from the command to all nodes Ready
	RSSMB      float64 `json:"rssMB"`   // of all its processes
	ReadyRatio float64 `json:"readyRatio"`
	RSSRatio   float64 `json:"rssRatio"`
}

// Compare puts KWOK's figures into the report, and the lab's over them.
func (r *Report) Compare(k KWOK) {
	k.ReadyRatio, k.RSSRatio = r.ReadyMs/k.ReadyMs, r.RSSMB/k.RSSMB
	r.KWOK = &k
}

// kwokPrograms are what kwokctl starts, and the variables that keep it from downloading them.
var kwokPrograms = map[string]string{
	"etcd":                    "KWOK_ETCD_BINARY",
	"kube-apiserver":          "KWOK_KUBE_APISERVER_BINARY",
	"kube-controller-manager": "KWOK_KUBE_CONTROLLER_MANAGER_BINARY",
	"kube-scheduler":          "KWOK_KUBE_SCHEDULER_BINARY",
	"kwok-controller":         "KWOK_CONTROLLER_BINARY",
}

// MeasureKWOK starts a cluster of KWOK with the given number of nodes, measures it and removes it. It downloads nothing:
// when a program is not on the PATH, missing says which.
func MeasureKWOK(ctx context.Context, nodes int) (k KWOK, missing string, err error) {
	ctl, err := exec.LookPath("kwokctl")
	if err != nil {
		return k, "kwokctl is not on the PATH", nil
	}
	env := os.Environ()
	for program, variable := range kwokPrograms {
		path, err := exec.LookPath(program)
		if err != nil && program == "kwok-controller" {
			path, err = exec.LookPath("kwok") // as `go install` calls it
		}
		if err != nil {
			return k, program + " is not on the PATH", nil
		}
		env = append(env, variable+"="+path)
	}
	work, err := os.MkdirTemp("", "kubestep-kwok-")
	if err != nil {
		return k, "", err
	}
	defer os.RemoveAll(work)
	c := kwokctl{path: ctl, env: append(env, "KWOK_WORKDIR="+work, "KUBECONFIG="+filepath.Join(work, "kubeconfig"))}
	version, err := c.run(ctx, "--version")
	if err != nil {
		return k, "", err
	}
	fields := strings.Fields(version)
	k.Version = fields[len(fields)-1]

	defer func() {
		// The cluster's programs outlive the command; they go even when the measurement was interrupted.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if _, e := c.run(end, "delete", "cluster"); err == nil {
			err = e
		}
	}()
	began := time.Now()
	if _, err := c.run(ctx, "create", "cluster", "--runtime", "binary", "--wait", "120s"); err != nil {
		return k, "", err
	}
	if _, err := c.run(ctx, "scale", "node", "--replicas", strconv.Itoa(nodes)); err != nil {
		return k, "", err
	}
	if err := c.waitNodes(ctx, nodes); err != nil {
		return k, "", err
	}
	k.ReadyMs = float64(time.Since(began).Microseconds()) / 1000
	rss, err := rssOfThoseIn(work)
	k.RSSMB = float64(rss) / (1 << 20)
	return k, "", err
}

type kwokctl struct {
	path string
	env  []string
}

func (c kwokctl) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, append([]string{"--name", "kubestep-bench"}, args...)...)
	cmd.Env = c.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kwokctl %s: %w: %s", strings.Join(args, " "), err, lastLine(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

// waitNodes asks until that many nodes are Ready.
func (c kwokctl) waitNodes(ctx context.Context, want int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		out, err := c.run(ctx, "kubectl", "get", "nodes", "-o", "json")
		if err != nil {
			return err
		}
		if countReady([]byte(out)) >= want {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for %d nodes of KWOK: %w", want, ctx.Err())
		}
	}
}

func countReady(nodes []byte) int {
	var list struct {
		Items []struct {
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
	}
	if json.Unmarshal(nodes, &list) != nil {
		return 0
	}
	n := 0
	for _, node := range list.Items {
		for _, c := range node.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" {
				n++
			}
		}
	}
	return n
}

// rssOfThoseIn returns the memory of the processes whose PID files are below dir.
func rssOfThoseIn(dir string) (uint64, error) {
	files, err := filepath.Glob(filepath.Join(dir, "clusters", "*", "pids", "*.pid"))
	if err != nil {
		return 0, err
	}
	if len(files) == 0 {
		return 0, fmt.Errorf("KWOK wrote no PID files below %s", dir)
	}
	var sum uint64
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return 0, err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", f, err)
		}
		rss, err := RSS(pid)
		if err != nil {
			return 0, err
		}
		sum += rss
	}
	return sum, nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
