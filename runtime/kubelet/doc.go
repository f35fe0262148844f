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
// A lab may be held for an hour, so nothing that waits may give up. In this process no CRI call has upstream's time limit
// (that is the remote client's), and heartbeats have none either. What is left, in upstream's constants: a sync that waits
// longer than two minutes for a volume, because a request for it is held, fails with an Event and is tried again; and a
// Pod status that is held keeps the node's other statuses waiting, as one goroutine sends them all.
//
// Containers that start are seen at once, because a sync ends with a look at its Pod (Kubelet.RequestPodRelist); those
// that end by themselves within upstream's second. EventedPLEG would see those at once too, but is an alpha feature that
// nobody's cluster has.
//
// A kubelet cannot be stopped: upstream's leases, status updates and watches run until the process ends. [Kubelet.Run]
// therefore pulls the plug instead: see power.go for what stays behind.
package kubelet
