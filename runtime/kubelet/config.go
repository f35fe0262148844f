package kubelet

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
)

// port is what the Node says its kubelet listens on. Nothing listens there: the API server is given DialServer.
const port = 10250

// layout is where a node has its files, all below Options.Dir. None is a socket, so that the length of the path does not
// matter.
type layout struct {
	root          string // the kubelet's own: volumes, plugin directories, checkpoints
	podLogs       string // what containers print, in CRI log format
	containerLogs string // links to those, for old log collectors
	hostRoot      string // what hostPath volumes see as "/"
	resolvConf    string // the node's resolver, for Pods with dnsPolicy Default
}

func newLayout(dir string) layout {
	return layout{
		root:          filepath.Join(dir, "kubelet"),
		podLogs:       filepath.Join(dir, "logs", "pods"),
		containerLogs: filepath.Join(dir, "logs", "containers"),
		hostRoot:      filepath.Join(dir, "rootfs"),
		resolvConf:    filepath.Join(dir, "resolv.conf"),
	}
}

// prepare makes the directories and the two files that keep the host's own out of the node.
func (l layout) prepare() error {
	for _, d := range []string{l.root, l.podLogs, l.containerLogs, l.hostRoot} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("make the node's directories: %w", err)
		}
	}
	for path, text := range map[string]string{
		// The host's resolver knows names outside the lab, and Pods must not reach them through it.
		l.resolvConf: "# This node resolves no names by itself.\n",
		// Upstream looks for registry credentials here first and then in the user's home directory; it takes the first
		// file that it can read.
		filepath.Join(l.root, "config.json"): `{"auths":{}}` + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the node's files: %w", err)
		}
	}
	return nil
}

// configuration returns upstream's defaults with what the lab needs otherwise.
func configuration(o *Options, l layout) (*kubeletconfig.KubeletConfiguration, error) {
	s, _, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, fmt.Errorf("defaults of the kubelet: %w", err)
	}
	versioned := &kubeletconfigv1beta1.KubeletConfiguration{}
	s.Default(versioned)
	c := &kubeletconfig.KubeletConfiguration{}
	if err := s.Convert(versioned, c, nil); err != nil {
		return nil, fmt.Errorf("defaults of the kubelet: %w", err)
	}

	c.Port = port
	c.Authentication.X509.ClientCAFile = o.ClientCAFile
	c.TLSCertFile, c.TLSPrivateKeyFile = o.ServingCertFile, o.ServingKeyFile
	c.RotateCertificates, c.ServerTLSBootstrap = false, false
	c.EnableSystemLogHandler = false // it would serve the host's /var/log

	c.PodLogsDir = l.podLogs
	c.ResolverConfig = l.resolvConf
	c.ClusterDomain = o.ClusterDomain
	if o.ClusterDNS != nil {
		c.ClusterDNS = []string{o.ClusterDNS.String()}
	}

	// No cgroups, no firewall, no swap to look after: an ordinary user has none of them.
	c.CgroupsPerQOS = false
	c.EnforceNodeAllocatable = nil
	c.MakeIPTablesUtilChains = false
	c.FailSwapOn = false
	c.FailCgroupV1 = false

	// The node's disk and memory are the learner's laptop. A full one is no event of the lab, and would evict every Pod of
	// every node. A Pod that uses more than its own limits is still evicted (LocalStorageCapacityIsolation).
	c.EvictionHard = map[string]string{}
	// Images are programs of this binary: there is nothing to collect. 100 turns the collector off.
	c.ImageGCHighThresholdPercent = 100
	c.ImageMaximumGCAge.Duration = 0

	// How long a changed ConfigMap or a failed Pod waits for its next look: upstream's minute is long for a learner.
	c.SyncFrequency.Duration = 10 * time.Second
	// A pull that is held at the gate must not keep the other Pods of the node waiting behind it.
	c.SerializeImagePulls = false
	// Upstream's 50 requests a second spare an API server that serves thousands of nodes; here they would make 70 Pods of
	// one node wait for eight seconds.
	c.KubeAPIQPS, c.KubeAPIBurst = 500, 1000
	return c, nil
}

// MountRoots returns the directories from which the kubelet of a node with the given Options.Dir mounts into containers:
// its volumes, and what hostPath volumes see as the machine's "/". A container runtime needs no others.
func MountRoots(dir string) []string {
	l := newLayout(filepath.Clean(dir))
	return []string{l.root, l.hostRoot}
}
