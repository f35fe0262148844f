// Package program holds the programs that run in the lab's containers - a web server, a client, a crasher, a shell with
// its applets - and the images that bring them. A [Program] touches nothing but the [World] it is given, so that the same
// source runs as a goroutine in a container of runtime/inproc and as a process in an OCI image.
//
// runtime/* and cmd may import it; it imports runtime/network (what probes and
// listings of a network are) and runtime/dns/resolver.
package program
