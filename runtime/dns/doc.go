// Package dns is what the lab knows of DNS: its parts report queries through a [Tracer], as dns.query events. The resolver
// that Pods' programs use is in runtime/dns/resolver, the cluster's DNS server in runtime/dns/server.
//
// runtime/* and cmd may import it. It imports engine/trace and runtime/dns/resolver.
package dns
