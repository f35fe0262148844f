// Package wire reads Kubernetes objects as they go over a wire or lie in etcd: the few fields that say what an object is
// and what it hangs together with, cheaply, and the whole object as JSON, when somebody looks.
//
// Anybody in the engine may import it. It knows the types of client-go, apiextensions and the aggregator, and nothing of
// k8s.io/kubernetes.
package wire
