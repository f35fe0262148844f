// Package node is one machine of the lab's cluster: a kubelet, a container runtime with a tap on its calls, and, when the
// lab has one, the Pods' network. It implements engine.NodeRuntime, by which cmd hands it to the engine.
//
// Only cmd and tests import it.
package node
