// Package fabric is the lab's network inside this process: real packets, no privileges, no traffic on the machine's own
// network, on Linux and macOS alike.
//
// Pods are gVisor netstacks (one per sandbox). Nodes are this package's own code, after Linux, flannel and kube-proxy: a
// bridge that learns, ARP, br_netfilter, forwarding, connection tracking, NAT, VXLAN or host-gw routes, network policies.
// A [Fabric] moves every packet in one goroutine, so that hops have an order and any of them can be held. While the
// observer looks at a hop, the fabric's [Clock] stands still, and with it every retransmission timer and deadline: a
// learner may think for an hour about one SYN.
//
// Everything about nodes happens in the goroutine of [Fabric.Run]. Methods of Fabric, Node and Pod hand their changes
// over to it and do not wait, so that they return even while a packet is held; changes and packets keep their order.
//
// Where the code follows the Linux kernel or upstream Kubernetes in something that is not obvious, a comment says which
// part. runtime/* and cmd may import it. It imports gvisor.dev/gvisor, engine/trace and runtime/network, and nothing of
// Kubernetes: Services, endpoints and policies come in as plain values.
package fabric
