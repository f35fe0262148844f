// Package server is the cluster's DNS server: CoreDNS with its kubernetes plugin, as a library, in a Pod of the lab. It
// reads a Corefile as CoreDNS does; kubernetes, cache, loadbalance, rewrite and template are upstream's plugins. The
// directives that would open sockets of this machine are the lab's own, on the Pod's network: health, ready, and forward.
//
// Nothing is ever forwarded, because no traffic leaves the machine: forward answers from a small fixed set of names that
// RFC 2606 reserves for examples, with addresses that RFC 5737 reserves for documentation; every other name outside of
// the cluster does not exist (NXDOMAIN). errors and log write to the container's output. prometheus, loop and reload:
// see [directives].
//
// CoreDNS registers flags of package flag and metrics in Prometheus' default registry when it is imported; both are
// harmless as long as nobody else parses the one with those names, or serves the other. Its own messages go to the
// standard log, which engine/kubeglobal sends to the lab's log file.
//
// runtime/* and cmd may import it.
package server
