package program

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

// nslookup looks a name up by way of the search list, as glibc does, and prints what BIND's nslookup prints:
// "nslookup [-type=TYPE] NAME|ADDRESS [SERVER]". It exits with 1 when there is no answer.
func nslookup(ctx context.Context, w *World) int {
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	var args []string
	for _, arg := range w.Args[1:] {
		option, value, ok := strings.Cut(arg, "=")
		switch option = strings.TrimLeft(option, "-"); {
		case arg == "--help" || arg == "-h":
			fmt.Fprintln(w.Stdout, "Usage: nslookup [-type=TYPE] NAME|ADDRESS [SERVER]")
			return 0
		case !strings.HasPrefix(arg, "-"):
			args = append(args, arg)
		case ok && (option == "type" || option == "query" || option == "q"):
			t, known := dns.StringToType[strings.ToUpper(value)]
			if !known {
				fmt.Fprintf(w.Stderr, "nslookup: unknown query type: %s\n", value)
				return usage
			}
			types = []uint16{t}
		default:
			fmt.Fprintf(w.Stderr, "nslookup: Invalid option: %s (usage: nslookup [-type=TYPE] NAME [SERVER])\n", arg)
			return usage
		}
	}
	if len(args) == 0 || len(args) > 2 {
		fmt.Fprintln(w.Stderr, "nslookup: usage: nslookup [-type=TYPE] NAME [SERVER]")
		return usage
	}
	r := w.Resolver()
	cfg, err := configWith(ctx, r, strings.Join(args[1:], ""))
	if err != nil {
		return failed(w, err)
	}
	name := args[0]
	var res *resolver.Result
	if a, aerr := netip.ParseAddr(name); aerr == nil {
		res, err = reverse(ctx, r, cfg, a)
	} else {
		res, err = r.Search(ctx, cfg, name, types...)
	}
	try, ok := lastAnswer(res)
	if !ok {
		fmt.Fprintf(w.Stdout, ";; connection timed out; no servers could be reached\n\n")
		return 1
	}
	fmt.Fprintf(w.Stdout, "Server:\t\t%s\nAddress:\t%s#%d\n\n", try.Server.Addr(), try.Server.Addr(), try.Server.Port())
	tried := strings.TrimSuffix(try.Name, ".")
	switch {
	case errors.Is(err, resolver.ErrNoData):
		fmt.Fprintf(w.Stdout, "*** Can't find %s: No answer\n\n", name)
		return 1
	case err != nil:
		fmt.Fprintf(w.Stdout, "** server can't find %s: %s\n\n", tried, dns.RcodeToString[try.Message.Rcode])
		return 1
	}
	if !res.Replies[0].Authoritative {
		fmt.Fprintln(w.Stdout, "Non-authoritative answer:")
	}
	printed := map[string]bool{}
	for _, m := range res.Replies {
		for _, rr := range m.Answer {
			if line := nslookupLine(rr); !printed[line] {
				printed[line] = true
				fmt.Fprintln(w.Stdout, line)
			}
		}
	}
	fmt.Fprintln(w.Stdout)
	return 0
}

func nslookupLine(rr dns.RR) string {
	owner := strings.TrimSuffix(rr.Header().Name, ".")
	switch rr := rr.(type) {
	case *dns.A:
		return "Name:\t" + owner + "\nAddress: " + rr.A.String()
	case *dns.AAAA:
		return "Name:\t" + owner + "\nAddress: " + rr.AAAA.String()
	case *dns.CNAME:
		return owner + "\tcanonical name = " + rr.Target
	case *dns.PTR:
		return rr.Hdr.Name + "\tname = " + rr.Ptr
	case *dns.SRV:
		return fmt.Sprintf("%s\tservice = %d %d %d %s", owner, rr.Priority, rr.Weight, rr.Port, rr.Target)
	case *dns.TXT:
		return owner + "\ttext = " + rdata(rr)
	}
	return owner + "\t" + rdata(rr)
}

// rdata is a record without its owner, TTL, class and type.
func rdata(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }

// configWith returns the Pod's resolver configuration with another server, which may be a name; empty means its own ones.
func configWith(ctx context.Context, r *resolver.Resolver, server string) (resolver.Config, error) {
	cfg, err := r.Config()
	if err != nil || server == "" {
		return cfg, err
	}
	found, err := r.Resolve(ctx, server)
	if err != nil {
		return cfg, fmt.Errorf("couldn't get address for '%s': %w", server, err)
	}
	cfg.Servers = []netip.AddrPort{netip.AddrPortFrom(found[0], 53)}
	return cfg, nil
}

// reverse asks for an address's name.
func reverse(ctx context.Context, r *resolver.Resolver, cfg resolver.Config, a netip.Addr) (*resolver.Result, error) {
	name, err := dns.ReverseAddr(a.String())
	if err != nil {
		return &resolver.Result{}, err
	}
	return r.Query(ctx, cfg, name, dns.TypePTR)
}

// lastAnswer returns the last query that was answered; ok is false when none was.
func lastAnswer(res *resolver.Result) (t resolver.Try, ok bool) {
	for i := len(res.Tries) - 1; i >= 0; i-- {
		if res.Tries[i].Message != nil {
			return res.Tries[i], true
		}
	}
	return t, false
}

// host prints the addresses of a name: "host [-t TYPE] NAME|ADDRESS [SERVER]", with the search list.
func host(ctx context.Context, w *World) int {
	const synopsis = "host [-t TYPE] NAME [SERVER]"
	var kind string
	var o options
	o.text(&kind, "t")
	args, code, ok := o.run(w, synopsis)
	if !ok {
		return code
	}
	if len(args) == 0 || len(args) > 2 {
		fmt.Fprintln(w.Stderr, "Usage: "+synopsis)
		return usage
	}
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	if kind != "" {
		t, known := dns.StringToType[strings.ToUpper(kind)]
		if !known {
			fmt.Fprintf(w.Stderr, "host: invalid type: %s\n", kind)
			return usage
		}
		types = []uint16{t}
	}
	r := w.Resolver()
	cfg, err := configWith(ctx, r, strings.Join(args[1:], ""))
	if err != nil {
		return failed(w, err)
	}
	name := args[0]
	var res *resolver.Result
	if a, aerr := netip.ParseAddr(name); aerr == nil {
		res, err = reverse(ctx, r, cfg, a)
	} else {
		res, err = r.Search(ctx, cfg, name, types...)
	}
	try, ok := lastAnswer(res)
	switch {
	case !ok:
		fmt.Fprintln(w.Stdout, ";; connection timed out; no servers could be reached")
		return 1
	case errors.Is(err, resolver.ErrNoData):
		fmt.Fprintf(w.Stdout, "%s has no %s record\n", name, dns.TypeToString[types[0]])
		return 1
	case err != nil:
		fmt.Fprintf(w.Stdout, "Host %s not found: %d(%s)\n", name, try.Message.Rcode, dns.RcodeToString[try.Message.Rcode])
		return 1
	}
	for _, m := range res.Replies {
		for _, rr := range m.Answer {
			fmt.Fprintln(w.Stdout, hostLine(rr))
		}
	}
	return 0
}

func hostLine(rr dns.RR) string {
	owner := strings.TrimSuffix(rr.Header().Name, ".")
	switch rr := rr.(type) {
	case *dns.A:
		return owner + " has address " + rr.A.String()
	case *dns.AAAA:
		return owner + " has IPv6 address " + rr.AAAA.String()
	case *dns.CNAME:
		return owner + " is an alias for " + rr.Target
	case *dns.PTR:
		return owner + " domain name pointer " + rr.Ptr
	case *dns.SRV:
		return owner + " has SRV record " + rdata(rr)
	}
	return owner + " " + dns.TypeToString[rr.Header().Rrtype] + " " + rdata(rr)
}

// getent asks the databases of the C library: "getent hosts|ahosts|ahostsv4 NAME...". As in glibc, hosts looks for IPv6 first,
// through the whole search list. It exits with 2 when a name is not found.
func getent(ctx context.Context, w *World) int {
	if len(w.Args) < 3 {
		fmt.Fprintln(w.Stderr, "getent: usage: getent hosts|ahosts|ahostsv4 NAME...")
		return 1
	}
	code := 0
	for _, name := range w.Args[2:] {
		var lines []string
		var err error
		switch w.Args[1] {
		case "hosts":
			lines, err = getentHosts(ctx, w, name)
		case "ahosts":
			lines, err = getentAll(ctx, w, name, false)
		case "ahostsv4":
			lines, err = getentAll(ctx, w, name, true)
		default:
			fmt.Fprintf(w.Stderr, "Unknown database: %s\n", w.Args[1])
			return 1
		}
		if err != nil {
			code = 2 // getent says nothing
			continue
		}
		for _, line := range lines {
			fmt.Fprintln(w.Stdout, line)
		}
	}
	return code
}

func getentHosts(ctx context.Context, w *World, name string) ([]string, error) {
	r := w.Resolver()
	cfg, err := r.Config()
	if err != nil {
		return nil, err
	}
	if a, err := netip.ParseAddr(name); err == nil {
		names, err := r.HostNames(a)
		if err != nil || len(names) > 0 {
			return []string{getentLine(a, names...)}, err
		}
		res, err := reverse(ctx, r, cfg, a)
		if err != nil {
			return nil, err
		}
		for _, rr := range res.Replies[0].Answer {
			if ptr, ok := rr.(*dns.PTR); ok {
				names = append(names, strings.TrimSuffix(ptr.Ptr, "."))
			}
		}
		return []string{getentLine(a, names...)}, nil
	}
	found, err := r.Hosts(name)
	if err != nil {
		return nil, err
	}
	canonical := name
	for _, t := range []uint16{dns.TypeAAAA, dns.TypeA} {
		if len(found) > 0 {
			break
		}
		var res *resolver.Result
		if res, err = r.Search(ctx, cfg, name, t); err == nil {
			found, canonical = res.Addresses(), strings.TrimSuffix(res.Name, ".")
		}
	}
	var lines []string
	for _, a := range found {
		lines = append(lines, getentLine(a, canonical))
	}
	if len(lines) > 0 {
		err = nil
	}
	return lines, err
}

func getentLine(a netip.Addr, names ...string) string {
	return fmt.Sprintf("%-15s %s", a, strings.Join(names, " "))
}

func getentAll(ctx context.Context, w *World, name string, only4 bool) ([]string, error) {
	found, err := w.Resolver().Resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, a := range found {
		if only4 && !a.Is4() {
			continue
		}
		for _, socket := range []string{"STREAM", "DGRAM ", "RAW   "} {
			line := fmt.Sprintf("%-15s %s", a, socket)
			if len(lines) == 0 {
				line += " " + name
			}
			lines = append(lines, strings.TrimRight(line, " "))
		}
	}
	return lines, nil
}
