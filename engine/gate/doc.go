// Package gate holds and releases the events of a lab: breakpoints, levels, step verbs and what is never held.
//
// [Gate] is what the rest of the lab uses: it is the [trace.Gate] that the taps ask and the [engine.Debugger] that a
// screen drives. Inside it is a core without goroutines, clock or I/O, to which commands and arriving events go in and
// from which released events come out; testdata holds its behaviour as transcripts.
//
// engine/lab and runtime may import it. It imports engine and engine/trace only.
//
// # Patterns
//
// A breakpoint, or the goal of run-to, is a pattern: words with spaces between them that must all fit the event. Each
// word says by its shape what it is about, so the order is free:
//
//	kube-scheduler, kubelet@*, *-controller     who acts
//	api.request, watch.*                        the edge on which the event is seen
//	create, modified, mutating, StartContainer  what is done
//	pods, Pod, po                               to which kind of object
//	pods/web-*, pod/default/web-*               to which object
//	pods/binding, pods/web-1/binding, status    to which subresource
//	*                                           anything
//
// for example
//
//	kube-scheduler api.request create pods/binding
//	kubelet@* cri.call StartContainer
//	* watch.deliver modified pod/default/web-*
//	replicaset-controller create,delete pods !pod/kube-system/*
//	pods/binding
//	StartContainer
//
// Words may contain the shell's *, ? and [a-z]. A comma separates alternatives, an exclamation mark in front turns a
// word round. Case does not matter.
//
// In an object word with slashes, the last part is a subresource when it is one that Kubernetes has (status, scale,
// binding, eviction, token and so on). What is left is RESOURCE, RESOURCE/NAME or RESOURCE/NAMESPACE/NAME. As in RBAC
// roles, a resource without a subresource means the object itself: "update deployments" does not match an update of
// deployments/status. "deployments/*" means everything about Deployments, and so does a negated "!deployments".
//
// FIELD=VALUE says what a word is about when its shape does not, such as for resources that CRDs define. Nothing is
// implied then, and an empty value means that the field is empty. The fields are actor, kind, verb, resource, sub, ns
// and name, and those of packets, see below:
//
//	actor=kube-scheduler kind=api.request verb=create resource=pods sub=binding ns=default name=web-*
//	resource=widgets sub=
//
// # Packets
//
// A packet at a point of its path is a net.hop, whose verb is the point: veth, bridge, prerouting, routing, forward,
// postrouting, vxlan-encap, wire, vxlan-decap, local. Its actor is network@NODE. It is about the Pods at both ends of the
// packet's way, wherever the packet is, but for a veth in a pattern that names that point: there it is about the Pod whose
// veth it is. A Pod behind a Service is known once the Service's rule has been met. Five more fields are those of packets: device, the interface; direction, in or out, as seen from the namespace;
// rule, the Service, policy or route that applied, by its name; protocol, arp, icmp, tcp or udp, and tcp, the flags of
// "FSRPAU", both of the packet in a tunnel when there is one:
//
//	net.hop pod/default/client
//	wire pod/default/web
//	network@node-1 prerouting rule=default/web*
//	vxlan-encap tcp=S
//	veth pod/default/client direction=out protocol=icmp
//
// Only packets that are followed are reported and held: those of what kubectl exec runs, and those that pass through a
// Pod which the verb follow was told, or which a pattern about packets names, as the first one does. The network's clock
// stands still with a held packet, so that nothing times out and nothing is sent again.
//
// What is broken on purpose is a net.fault of the actor kubestep, set or heal, of a node or Pod. It is never held.
//
// # What is held
//
// While paused, everything that the level holds (see [engine.Level]); while running, what a breakpoint matches. A
// breakpoint also holds what the level does not when it names the event's verb or kind: "kube-scheduler" stops at what
// the level would stop at, "kube-scheduler watch.deliver" at deliveries too. What only reads (get, list, ListContainers)
// is held only by a breakpoint that names its verb, and the delivery of a background commit, such as a Node's status, by
// one that names its kind or verb.
//
// Some things are never held, because the cluster would not survive it or because they teach nothing: see [NeverHeld].
//
// # Order
//
// Step releases the oldest held event. Which of several components gets to its request first is a matter of
// microseconds, and would differ from run to run. So time counts in rounds, each from one settled state of the lab to
// the next; inside a round the order is by actor, kind, verb, subresource and object, and only then by arrival. With the
// same seed, the same steps give the same run. For the same reason Step first waits until what was under way before it
// has arrived. StepThis takes the event that it is told, whenever it came.
//
// # Commands that meet held events
//
// Removing a breakpoint and Pause release nothing: a held event waits until Step, StepThis, Continue or RunTo. StepOut
// releases what the coarser level does not hold, as a debugger's step-out runs on to the caller. Step and StepThis at a
// breakpoint also pause, so that the next step meets the next event. RunTo stops at once when a matching event is held
// already, having released what was ahead of it, unless it is the one that the last RunTo stopped at.
package gate
