// Package kubelet runs upstream's kubelet inside this process, as many of them as the lab has nodes, for an ordinary user,
// and without touching the host: it listens on nothing, dials no container from the host's network and writes only below
// its own directory. It builds kubelet.Dependencies by itself, from the same parts as cmd/kubelet/app does.
//
// Only runtime/node imports it.
//
// What differs from a kubelet on a machine, and why:
//
//   - Its server has no port; [Kubelet.DialServer] connects to it. TLS, authentication and authorization are upstream's.
//   - Volumes are plain directories: nothing is mounted, nothing changes owner (see volumes.go).
//   - HTTP, TCP and gRPC probes and HTTP lifecycle hooks dial through Options.Dial (see probes.go).
//   - The paths of a node that a container can see by hostPath are below its own directory.
//   - It never evicts for a full disk or collects images: the disk is the learner's (see config.go).
//
// A kubelet cannot be stopped: upstream's leases, status updates and watches run until the process ends. [Kubelet.Run]
// therefore pulls the plug instead: see power.go for what stays behind.
package kubelet
