// Package network is the model of the lab's network that its implementations share: a [Hop] is one packet at one point of
// its path, a flow groups request and reply, a [Fault] is what a learner breaks. It parses packets, writes captures that
// Wireshark opens, and reports hops to a tap, which may hold them.
//
// Implementations: runtime/network/fabric in this process; one on the Linux kernel can follow. Everything in runtime and
// cmd may import this package. It imports engine/trace and the standard library only.
package network
