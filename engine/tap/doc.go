// Package tap sees what a component says to the API server and what it is told: it wraps the transport of a component's
// client-go clients. A request becomes an api.request event, with the upstream call stack that led to it; each change that
// a watch brings becomes a watch.deliver event. Both wait at the gate, if the gate says so, before they happen: a held
// request has not been sent, and a held delivery has not reached the component.
//
// Whoever makes a rest.Config inside the lab may import it. It imports client-go and the API server's library for reading
// request paths, never k8s.io/kubernetes.
package tap
