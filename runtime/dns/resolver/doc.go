// Package resolver finds names as a program linked with the GNU C library does: by /etc/hosts and /etc/resolv.conf, with
// its search list, its options, its retries and its time-outs. What it asks, in which order, of which server, is what
// glibc 2.36 asks; comments name the functions of glibc that the code follows (resolv/res_query.c, resolv/res_send.c,
// resolv/res_init.c).
//
// A [Resolver] opens sockets only through [Options].Dial and sets its time-outs as deadlines of those sockets, so that it
// lives on the network, and on the clock, that it is given. An [Observer] sees each query before it is sent and may hold
// it.
//
// Programs written in Go or linked with musl behave otherwise in details; the lab's programs behave as glibc's.
//
// runtime/* may import it. It imports nothing of this module.
package resolver
