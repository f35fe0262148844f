package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/kubestep/kubestep/runtime/network"
)

// ICMP types and codes that ping and traceroute have words for: RFC 792, RFC 1812.
const (
	icmpEchoReply    = 0
	icmpUnreachable  = 3
	icmpTimeExceeded = 11

	codeNetwork    = 0
	codeHost       = 1
	codeProtocol   = 2
	codePort       = 3
	codeFragNeeded = 4
	codeAdminNet   = 9
	codeAdminHost  = 10
	codeAdmin      = 13
)

const pingUsage = `
Usage
  ping [options] <destination>

Options:
  -c <count>         stop after <count> replies
  -i <interval>      seconds between sending each packet
  -M <pmtud opt>     define path MTU discovery, can be one of <do|dont|want>
  -n                 no reverse DNS name resolution (there never is)
  -q                 quiet output
  -s <size>          use <size> as number of data bytes to be sent
  -t <ttl>           define time to live
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response
`

// pinger is one run of ping.
type pinger struct {
	w        *World
	prober   Prober
	to       netip.Addr
	count    int
	size     int
	ttl      int
	interval time.Duration
	wait     time.Duration
	deadline time.Duration
	dontFrag bool
	quiet    bool

	sent, received, failures int
	times                    []time.Duration
}

// ping sends ICMP echo requests and prints what comes back, as iputils does: "ping [-c COUNT] [-i INTERVAL] [-W TIMEOUT]
// [-w DEADLINE] [-s SIZE] [-t TTL] [-M do] [-q] DESTINATION". It exits with 0 when there was a reply, with 1 when there
// was none, and with 2 for other errors.
func ping(ctx context.Context, w *World) int {
	p := &pinger{w: w, size: 56, ttl: 64, interval: time.Second, wait: 10 * time.Second}
	discover, help := "want", false
	var o options
	o.number(&p.count, 1, math.MaxInt32, "c")
	o.number(&p.size, 0, 65507, "s")
	o.number(&p.ttl, 1, 255, "t")
	o.seconds(&p.interval, "i")
	o.seconds(&p.wait, "W")
	o.seconds(&p.deadline, "w")
	o.text(&discover, "M")
	o.flag(&p.quiet, "q")
	o.flag(&help, "h")
	o.ignore("n", "4", "v", "O")
	args, err := o.parse(w.Args[1:])
	var wrong *optionError
	switch {
	case errors.As(err, &wrong) && wrong.kind == badValue:
		fmt.Fprintf(w.Stderr, "ping: %v\n", err)
		return 1
	case err != nil:
		fmt.Fprintf(w.Stderr, "ping: %v\n%s", err, pingUsage)
		return 2
	case help || len(args) == 0:
		if !help {
			fmt.Fprintln(w.Stderr, "ping: usage error: Destination address required")
			return 1
		}
		_, _ = io.WriteString(w.Stderr, pingUsage)
		return 2
	case !slices.Contains([]string{"do", "dont", "want", "probe"}, discover):
		fmt.Fprintf(w.Stderr, "ping: invalid -M argument: '%s'\n", discover)
		return 2
	}
	p.dontFrag = discover == "do" || discover == "probe"
	name := args[len(args)-1]
	if p.to, err = lookup(ctx, w, name); err != nil {
		fmt.Fprintf(w.Stderr, "ping: %s: %v\n", name, err)
		return 2
	}
	var ok bool
	if p.prober, ok = As[Prober](w.Network); !ok {
		fmt.Fprintln(w.Stderr, "ping: socket: Protocol not supported")
		return 2
	}
	return p.run(ctx, name)
}

// lookup returns an IPv4 address of a name; the error is in getaddrinfo's words.
func lookup(ctx context.Context, w *World, name string) (netip.Addr, error) {
	found, err := w.Network.Resolve(ctx, name)
	for _, a := range found {
		if a = a.Unmap(); a.Is4() {
			return a, nil
		}
	}
	var dns *net.DNSError
	switch {
	case err == nil && len(found) > 0:
		return netip.Addr{}, errors.New("Address family for hostname not supported")
	case errors.As(err, &dns) && (dns.IsTemporary || dns.IsTimeout):
		return netip.Addr{}, errors.New("Temporary failure in name resolution")
	}
	return netip.Addr{}, errors.New("Name or service not known")
}

// echoed is what came of one request.
type echoed struct {
	seq   int
	reply network.ProbeReply
	err   error
}

func (p *pinger) run(ctx context.Context, name string) int {
	life, stop := p.w.withTimeout(ctx, p.deadline)
	defer stop()
	signals := p.w.Signals.Notify(SIGINT, SIGTERM)
	fmt.Fprintf(p.w.Stdout, "PING %s (%s) %d(%d) bytes of data.\n", name, p.to, p.size, p.size+28)
	began := p.w.Clock.Now()
	results := make(chan echoed)
	p.send(life, results)
	timer := p.w.Clock.NewTimer(p.next())
	defer timer.Stop()
	for answered := 0; p.count == 0 || answered < p.count; {
		select {
		case <-timer.C():
			if p.count > 0 && p.sent == p.count {
				return p.sum(name, p.w.Clock.Since(began)) // what has not come by now does not come any more
			}
			p.send(life, results)
			timer.Reset(p.next())
		case r := <-results:
			if code := p.note(r); code != 0 {
				return code
			}
			answered++
		case <-signals:
			return p.sum(name, p.w.Clock.Since(began))
		case <-life.Done():
			return p.sum(name, p.w.Clock.Since(began))
		}
	}
	return p.sum(name, p.w.Clock.Since(began))
}

// next is how long to wait after a request: for the time of the next one, or, after the last one, for its reply - as
// iputils does it, twice the longest round trip, if one is known.
func (p *pinger) next() time.Duration {
	if p.count == 0 || p.sent < p.count {
		return p.interval
	}
	if p.received > 0 {
		return max(2*slices.Max(p.times), p.interval)
	}
	return p.wait
}

// send sends the next request; what comes of it arrives in results.
func (p *pinger) send(life context.Context, results chan<- echoed) {
	p.sent++
	seq := p.sent
	ctx, cancel := p.w.withTimeout(life, p.wait)
	go func() {
		defer cancel()
		r := echoed{seq: seq}
		r.reply, r.err = p.prober.Probe(ctx, network.Probe{To: p.to, Seq: uint16(seq), TTL: uint8(p.ttl), Size: p.size,
			DontFragment: p.dontFrag})
		select {
		case results <- r:
		case <-life.Done():
		}
	}()
}

// note prints what came of a request. The exit code is not 0 when there is no sense in going on.
func (p *pinger) note(r echoed) int {
	switch {
	case errors.Is(r.err, syscall.ENETUNREACH):
		fmt.Fprintln(p.w.Stderr, "ping: connect: Network is unreachable")
		return 2
	case errors.Is(r.err, syscall.EMSGSIZE):
		p.failures++
		fmt.Fprintf(p.w.Stderr, "ping: local error: message too long, mtu: %d\n", mtu(p.w))
	case errors.Is(r.err, syscall.EHOSTUNREACH) || errors.Is(r.err, syscall.EHOSTDOWN):
		p.failures++
		p.printf("From %s icmp_seq=%d Destination Host Unreachable\n", ownAddress(p.w), r.seq)
	case r.err != nil: // no reply, of which ping does not speak
	case r.reply.Type == icmpEchoReply:
		p.received++
		p.times = append(p.times, r.reply.RTT)
		p.printf("%d bytes from %s: icmp_seq=%d ttl=%d time=%s ms\n", p.size+8, r.reply.From, r.seq, r.reply.TTL,
			roundTrip(r.reply.RTT))
	default:
		p.failures++
		p.printf("From %s icmp_seq=%d %s\n", r.reply.From, r.seq, icmpText(r.reply))
	}
	return 0
}

func (p *pinger) printf(format string, args ...any) {
	if !p.quiet {
		fmt.Fprintf(p.w.Stdout, format, args...)
	}
}

// sum prints the statistics and returns the exit code.
func (p *pinger) sum(name string, took time.Duration) int {
	var failures string
	if p.failures > 0 {
		failures = fmt.Sprintf("+%d errors, ", p.failures)
	}
	loss := float64(p.sent-p.received) * 100 / float64(p.sent)
	fmt.Fprintf(p.w.Stdout, "\n--- %s ping statistics ---\n%d packets transmitted, %d received, %s%.6g%% packet loss, time %dms\n",
		name, p.sent, p.received, failures, loss, took.Milliseconds())
	if p.received == 0 {
		fmt.Fprintln(p.w.Stdout)
		return 1
	}
	var sum, squares float64
	for _, t := range p.times {
		ms := milliseconds(t)
		sum += ms
		squares += ms * ms
	}
	mean := sum / float64(len(p.times))
	fmt.Fprintf(p.w.Stdout, "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", milliseconds(slices.Min(p.times)), mean,
		milliseconds(slices.Max(p.times)), math.Sqrt(max(squares/float64(len(p.times))-mean*mean, 0)))
	return 0
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// roundTrip is a time with four digits, as ping has it.
func roundTrip(d time.Duration) string {
	ms := milliseconds(d)
	switch {
	case ms >= 99.95:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 9.995:
		return fmt.Sprintf("%.1f", ms)
	case ms >= 1:
		return fmt.Sprintf("%.2f", ms)
	}
	return fmt.Sprintf("%.3f", ms)
}

// icmpText is ping's words for an ICMP error.
func icmpText(r network.ProbeReply) string {
	if r.Type == icmpTimeExceeded {
		return "Time to live exceeded"
	}
	if r.Type != icmpUnreachable {
		return fmt.Sprintf("Bad ICMP type: %d", r.Type)
	}
	switch r.Code {
	case codeNetwork:
		return "Destination Net Unreachable"
	case codeHost:
		return "Destination Host Unreachable"
	case codeProtocol:
		return "Destination Protocol Unreachable"
	case codePort:
		return "Destination Port Unreachable"
	case codeFragNeeded:
		return fmt.Sprintf("Frag needed and DF set (mtu = %d)", r.MTU)
	case codeAdminNet:
		return "Destination Net Prohibited"
	case codeAdminHost:
		return "Destination Host Prohibited"
	case codeAdmin:
		return "Packet filtered"
	}
	return fmt.Sprintf("Dest Unreachable, Bad Code: %d", r.Code)
}

// mtu is that of the Pod's interface, 0 when it is not known.
func mtu(w *World) int {
	if l, ok := As[Lister](w.Network); ok {
		for _, i := range l.Interfaces() {
			if !i.Loopback {
				return i.MTU
			}
		}
	}
	return 0
}

// ownAddress is where the Pod's packets come from.
func ownAddress(w *World) netip.Addr {
	for _, a := range w.Network.Addresses() {
		return a
	}
	return netip.IPv4Unspecified()
}
