package kubeglobal

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	_ "unsafe" // for go:linkname

	"k8s.io/apimachinery/pkg/util/version"
	_ "k8s.io/client-go/pkg/version" // owns the client variables below
	baseversion "k8s.io/component-base/version"
	"k8s.io/kubernetes/pkg/capabilities"
)

// Upstream's release build sets these variables with the linker's -X flag (k8s.io/component-base/version/base.go). A
// binary made by "go install" cannot, and would call itself v0.0.0-master to kubectl and on every Node; at run time
// SetDynamicVersion only accepts what has the same numbers as gitVersion. So the same variables are set here, before any
// component reads them.
//
//go:linkname baseGitVersion k8s.io/component-base/version.gitVersion
//go:linkname baseGitMajor k8s.io/component-base/version.gitMajor
//go:linkname baseGitMinor k8s.io/component-base/version.gitMinor
//go:linkname baseGitCommit k8s.io/component-base/version.gitCommit
//go:linkname clientGitVersion k8s.io/client-go/pkg/version.gitVersion
//go:linkname clientGitMajor k8s.io/client-go/pkg/version.gitMajor
//go:linkname clientGitMinor k8s.io/client-go/pkg/version.gitMinor
//go:linkname clientGitCommit k8s.io/client-go/pkg/version.gitCommit
var (
	baseGitVersion, baseGitMajor, baseGitMinor, baseGitCommit         string
	clientGitVersion, clientGitMajor, clientGitMinor, clientGitCommit string
)

const kubernetesModule = "k8s.io/kubernetes"

// errVersion is returned when the binary does not say which Kubernetes is in it.
var errVersion = errors.New("the binary does not say which version of " + kubernetesModule + " it was built from; " +
	"build it with Go modules")

// Version returns the version of Kubernetes that is linked in, such as "v1.36.3".
func Version() (string, error) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == kubernetesModule {
				return module.Version, nil
			}
		}
	}
	// Test binaries carry no list of modules, but the path of a source file names its module and version.
	f := runtime.FuncForPC(reflect.ValueOf(capabilities.Setup).Pointer())
	file, _ := f.FileLine(f.Entry())
	if _, rest, ok := strings.Cut(file, kubernetesModule+"@"); ok {
		v, _, _ := strings.Cut(rest, "/")
		return v, nil
	}
	return "", errVersion
}

// SetVersion makes every library in this process say which Kubernetes it is. [Setup] does it; a process that runs no lab, such
// as kubectl's, calls it alone, before anything else.
func SetVersion() error {
	v, err := Version()
	if err != nil {
		return err
	}
	parsed, err := version.ParseSemantic(v)
	if err != nil {
		return fmt.Errorf("%s has version %q: %w", kubernetesModule, v, err)
	}
	major, minor := fmt.Sprint(parsed.Major()), fmt.Sprint(parsed.Minor())
	baseGitVersion, baseGitMajor, baseGitMinor = v, major, minor
	clientGitVersion, clientGitMajor, clientGitMinor = v, major, minor
	baseGitCommit, clientGitCommit = "", "" // a module's version does not tell; "$Format:%H$" would be shown
	return baseversion.SetDynamicVersion(v)
}
