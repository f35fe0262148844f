package kubelet

import (
	"fmt"
	"sync"

	"github.com/blang/semver/v4"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/version"
	"k8s.io/kubernetes/pkg/kubelet/metrics/collectors"
)

// Process is what all kubelets of one process share. A process has one; the zero Process is ready to use.
type Process struct {
	// starting serialises the starts: each kubelet registers two metrics collectors in the process's registry
	// (kubelet.go, initializeModules), which panics when they are there already.
	starting sync.Mutex
}

// forgetCollectors takes the two collectors that a kubelet has just registered out of the process's registries, so that
// the next kubelet can register its own. No kubelet's /metrics then has volume and log sizes; they would be those of one
// node on the endpoints of all.
func forgetCollectors() error {
	v, err := semver.ParseTolerant(version.Get().GitVersion)
	if err != nil {
		return fmt.Errorf("read the version of this build of Kubernetes: %w", err)
	}
	for _, c := range []metrics.StableCollector{
		collectors.NewVolumeStatsCollector(nil),
		collectors.NewLogMetricsCollector(nil),
	} {
		// A collector is found by what it describes, and it describes nothing before Create.
		c.Create(&v, c)
		legacyregistry.Registerer().Unregister(c)
		prometheus.Unregister(c)
	}
	return nil
}
