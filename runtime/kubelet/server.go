package kubelet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"

	"k8s.io/client-go/tools/record"
	upstream "k8s.io/kubernetes/pkg/kubelet"
	"k8s.io/kubernetes/pkg/kubelet/server"
	"k8s.io/kubernetes/pkg/kubelet/server/stats"
)

// statsPeriod is how often the server adds up what volumes hold.
const statsPeriod = time.Minute

// newServer returns the kubelet's HTTP server with upstream's handlers behind upstream's authentication and
// authorization. Kubelet.ListenAndServe would open a port, and end the process when that fails.
func newServer(ctx context.Context, k *upstream.Kubelet, c *kubeletconfig.KubeletConfiguration, t *tls.Config, auth server.AuthInterface, recorder record.EventRecorderLogger, log *slog.Logger) *http.Server {
	analyzer := stats.NewResourceAnalyzer(ctx, k, statsPeriod, recorder)
	analyzer.Start(ctx)
	handler := server.NewServer(ctx, k, analyzer, nil, nil, auth, c)
	return &http.Server{
		Handler:   &handler,
		TLSConfig: t,
		// As upstream's (pkg/kubelet/server/server.go): logs and exec last for hours.
		IdleTimeout:       90 * time.Second,
		ReadHeaderTimeout: time.Minute,
		ReadTimeout:       4 * time.Hour,
		WriteTimeout:      4 * time.Hour,
		MaxHeaderBytes:    1 << 20,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func serve(s *http.Server, l *listener) error {
	if err := s.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the kubelet's API: %w", err)
	}
	return nil
}
