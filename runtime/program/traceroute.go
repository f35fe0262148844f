package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/kubestep/kubestep/runtime/network"
)

const tracerouteUsage = `Usage:
  traceroute [ -In ] [ -f first_ttl ] [ -m max_ttl ] [ -p port ] [ -q nqueries ] [ -w wait ] [ -F ] host [ packetlen ]
Options:
  -F  Do not fragment packets
  -f  Start from the first_ttl hop (instead from 1)
  -I  Use ICMP ECHO for tracerouting
  -m  Set the max number of hops (max TTL to be reached). Default is 30
  -n  Do not resolve IP addresses to their domain names
  -p  Set the destination port to use: the initial one, incremented by each probe. Default is 33434
  -q  Set the number of probes per each hop. Default is 3
  -w  Wait for a probe no more than this many seconds. Default is 5
`

// tracer is one run of traceroute.
type tracer struct {
	w                        *World
	prober                   Prober
	to                       netip.Addr
	first, most, queries     int
	port, size               int
	wait                     time.Duration
	icmp, numeric, dontBreak bool
	seq                      int
}

// traceroute finds the routers on the way by sending packets that live ever longer, and prints them as Linux's traceroute
// does. The probes of one hop are sent together and no others with them, so that the hops of a trace are easy to tell
// apart; Linux's has 16 under way. It exits with 0, with 1 when the way cannot be looked for and with 2 when called
// wrongly.
func traceroute(ctx context.Context, w *World) int {
	t := &tracer{w: w, first: 1, most: 30, queries: 3, port: 33434, size: 60, wait: 5 * time.Second}
	help := false
	var o options
	o.number(&t.first, 1, 255, "f", "first")
	o.number(&t.most, 1, 255, "m", "max-hops")
	o.number(&t.queries, 1, 10, "q", "queries")
	o.number(&t.port, 1, 65535, "p", "port")
	o.seconds(&t.wait, "w", "wait")
	o.flag(&t.icmp, "I", "icmp")
	o.flag(&t.numeric, "n")
	o.flag(&t.dontBreak, "F", "dont-fragment")
	o.flag(&help, "help")
	o.ignore("4", "U", "udp")
	args, err := o.parse(w.Args[1:])
	switch {
	case err != nil:
		fmt.Fprintf(w.Stderr, "traceroute: %v\n", err)
		return 2
	case help || len(args) == 0 || len(args) > 2:
		_, _ = io.WriteString(w.Stdout, tracerouteUsage)
		if help {
			return 0
		}
		return 2
	}
	if len(args) == 2 {
		if t.size, err = strconv.Atoi(args[1]); err != nil || t.size < 28 || t.size > 65000 {
			fmt.Fprintf(w.Stderr, "Cannot handle \"packetlen\" cmdline arg `%s' on position 2 (argc 2)\n", args[1])
			return 2
		}
	}
	name := args[0]
	if t.to, err = lookup(ctx, w, name); err != nil {
		fmt.Fprintf(w.Stderr, "%s: %v\nCannot handle \"host\" cmdline arg `%s' on position 1 (argc 1)\n", name, err, name)
		return 2
	}
	var ok bool
	if t.prober, ok = As[Prober](w.Network); !ok {
		fmt.Fprintln(w.Stderr, "socket: Protocol not supported")
		return 1
	}
	fmt.Fprintf(w.Stdout, "traceroute to %s (%s), %d hops max, %d byte packets\n", name, t.to, t.most, t.size)
	for ttl := t.first; ttl <= t.most && ctx.Err() == nil; ttl++ {
		there, err := t.hop(ctx, ttl)
		if err != nil {
			fmt.Fprintf(w.Stdout, "\n")
			fmt.Fprintf(w.Stderr, "send: %v\n", err)
			return 1
		}
		if there {
			break
		}
	}
	return 0
}

// hop sends the probes with one TTL and prints a line. It reports whether that was the last one.
func (t *tracer) hop(ctx context.Context, ttl int) (there bool, err error) {
	waiting, cancel := t.w.withTimeout(ctx, t.wait)
	defer cancel()
	results := make([]chan echoed, t.queries)
	for i := range results {
		results[i] = make(chan echoed, 1)
		p := network.Probe{To: t.to, TTL: uint8(ttl), Size: t.size - 28, DontFragment: t.dontBreak}
		if t.icmp {
			p.Seq = uint16(t.seq + 1)
		} else {
			p.Port = uint16((t.port+t.seq-1)%65535 + 1)
		}
		t.seq++
		go func() {
			reply, err := t.prober.Probe(waiting, p)
			results[i] <- echoed{reply: reply, err: err}
		}()
	}
	fmt.Fprintf(t.w.Stdout, "%2d ", ttl)
	var last netip.Addr
	for _, c := range results {
		r := <-c
		switch {
		case errors.Is(r.err, syscall.ENETUNREACH):
			return false, errors.New("Network is unreachable")
		case errors.Is(r.err, syscall.EMSGSIZE):
			return false, errors.New("Message too long")
		case errors.Is(r.err, syscall.EHOSTUNREACH) || errors.Is(r.err, syscall.EHOSTDOWN): // said by the Pod itself
			r.reply = network.ProbeReply{From: ownAddress(t.w), Type: icmpUnreachable, Code: codeHost, RTT: t.wait}
		case r.err != nil:
			fmt.Fprint(t.w.Stdout, " *")
			continue
		}
		if r.reply.From != last {
			last = r.reply.From
			fmt.Fprintf(t.w.Stdout, " %s", t.router(ctx, last))
		}
		fmt.Fprintf(t.w.Stdout, "  %.3f ms%s", milliseconds(r.reply.RTT), t.annotation(r.reply))
		there = there || r.reply.Type != icmpTimeExceeded
	}
	fmt.Fprintln(t.w.Stdout)
	return there, nil
}

// annotation is what follows the time when a reply is neither the next router's nor the destination's.
func (t *tracer) annotation(r network.ProbeReply) string {
	if r.Type != icmpUnreachable || r.Code == codePort && !t.icmp {
		return ""
	}
	switch r.Code {
	case codeNetwork:
		return " !N"
	case codeHost:
		return " !H"
	case codeProtocol:
		return " !P"
	case codeFragNeeded:
		return fmt.Sprintf(" !F-%d", r.MTU)
	case codeAdminNet, codeAdminHost, codeAdmin:
		return " !X"
	}
	return fmt.Sprintf(" !<%d>", r.Code)
}

// router is an address, with its name unless that is not asked for.
func (t *tracer) router(ctx context.Context, a netip.Addr) string {
	if t.numeric {
		return a.String()
	}
	name := a.String()
	r := t.w.Resolver()
	if names, err := r.HostNames(a); err == nil && len(names) > 0 {
		name = names[0]
	} else if cfg, err := r.Config(); err == nil {
		if res, err := reverse(ctx, r, cfg, a); err == nil {
			for _, m := range res.Replies {
				for _, rr := range m.Answer {
					if ptr, ok := rr.(*dns.PTR); ok {
						name = strings.TrimSuffix(ptr.Ptr, ".")
					}
				}
			}
		}
	}
	return fmt.Sprintf("%s (%s)", name, a)
}
