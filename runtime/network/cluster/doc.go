// Package cluster keeps the fabric in step with the cluster: each node gets its Pods' network and a service proxy of its
// own, NetworkPolicies are enforced, and the API server is reached from inside.
//
//   - [Node] is to the container runtime what CNI plugins are to others, and to the node what kube-proxy is. The proxy uses
//     upstream's change trackers (k8s.io/kubernetes/pkg/proxy), and has watches of its own, so that one node's rules can be
//     behind another's, as on real nodes.
//   - One agent for all nodes resolves the selectors of NetworkPolicies to addresses.
//   - The API server is a machine of the lab's network; what arrives there is carried to the server in this process.
//     What the API server itself connects to starts at a node, as with a konnectivity agent.
//
// Only runtime/node, cmd and tests import it.
package cluster
