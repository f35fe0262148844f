// Package inproc is a container runtime whose containers are programs of runtime/program: goroutines of this process. It
// implements the CRI as a kubelet uses it (RuntimeService and ImageManagerService of k8s.io/cri-api) with the states,
// errors, logs and exit codes of a real runtime; where the CRI leaves something open it does what containerd 2 does.
//
// Nothing of the host can be reached from a container: its file system is a directory of its own and what the kubelet
// mounts, its network is what [Networks] gives it, its processes are its own. Containers end with the runtime: on the
// next start it is empty, as a machine is after a reboot.
//
// runtime/node and cmd may import it.
package inproc
