package kubeglobal

import (
	"bytes"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc/grpclog"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/rest"
	basecompatibility "k8s.io/component-base/compatibility"
	baseversion "k8s.io/component-base/version"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/capabilities"
)

// TestSetup is one test because a process can be set up once.
func TestSetup(t *testing.T) {
	stderr, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	seed := int64(7)
	if err := Setup(Options{}); err == nil {
		t.Fatal("no log was accepted")
	}
	if err := Setup(Options{Log: &logged, Stderr: stderr, Seed: &seed}); err != nil {
		t.Fatal(err)
	}
	if err := Setup(Options{Log: &logged}); err == nil {
		t.Error("a second call was accepted")
	}

	klog.Info("from klog")
	klog.Background().Info("from a contextual logger")
	klog.Error("an error of klog")
	log.Print("from the log package")
	slog.Info("from slog")
	logrus.Warn("from logrus")
	grpclog.Warning("from grpc")
	klog.Flush()
	for _, want := range []string{"from klog", "contextual logger", "error of klog", "from the log package", "from slog", "from logrus", "from grpc"} {
		if n := strings.Count(logged.String(), want); n != 1 {
			t.Errorf("%q was logged %d times:\n%s", want, n, &logged)
		}
	}
	if out, _ := os.ReadFile(stderr.Name()); len(out) != 0 {
		t.Errorf("stderr got %q", out)
	}

	const want = "v1.36.3"
	if got := baseversion.Get(); got.GitVersion != want || got.Major != "1" || got.Minor != "36" {
		t.Errorf("components are %+v", got)
	}
	kube := compatibility.DefaultComponentGlobalsRegistry.EffectiveVersionFor(basecompatibility.DefaultKubeComponent)
	if got := kube.Info(); got.GitVersion != want {
		t.Errorf("the API server would say %+v", got)
	}
	if got := rest.DefaultKubernetesUserAgent(); !strings.Contains(got, "/"+want+" ") {
		t.Errorf("clients are %q", got)
	}
	if !capabilities.Get().AllowPrivileged {
		t.Error("privileged Pods are not allowed")
	}

	name, id := utilrand.String(5), uuid.NewString()
	Reseed(seed)
	if gotName, gotID := utilrand.String(5), uuid.NewString(); gotName != name || gotID != id {
		t.Errorf("seed gave %s %s, then %s %s", name, id, gotName, gotID)
	}
	var all sync.WaitGroup
	for range 8 { // under the race detector this shows whether the source is locked
		all.Go(func() {
			for range 100 {
				uuid.NewString()
			}
		})
	}
	all.Wait()
}
