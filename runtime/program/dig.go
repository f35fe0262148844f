package program

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

// digOptions are what a command line of dig says.
type digOptions struct {
	name, server  string
	qtype         uint16
	search, short bool
	cfg           func(c *resolver.Config)
	hide          map[string]bool // sections
}

const digUsage = `Usage: dig [@server] [-x address] name [type] [+option...]
 +search    use the search list of /etc/resolv.conf; dig does not by itself
 +ndots=N   as the option of /etc/resolv.conf
 +short     print the answer only
 +noall +answer  choose the sections to print
 +tcp  +time=SECONDS  +tries=N
`

// dig asks one question and prints the whole answer: "dig [@SERVER] [-x ADDRESS] NAME [TYPE] [+short] [+search] [+tcp]
// [+noall +answer] [+time=N] [+tries=N] [+ndots=N]". Unlike other programs it does not use the search list unless it is
// told to. It exits with 0 whatever the answer says, and with 9 when none came.
func dig(ctx context.Context, w *World) int {
	if slices.Contains(w.Args[1:], "-h") || slices.Contains(w.Args[1:], "--help") {
		_, _ = io.WriteString(w.Stdout, digUsage)
		return 0
	}
	o, err := parseDig(w.Args[1:])
	if err != nil {
		fmt.Fprintf(w.Stderr, "dig: %v\n", err)
		return 1
	}
	r := w.Resolver()
	cfg, err := configWith(ctx, r, o.server)
	if err != nil {
		fmt.Fprintf(w.Stderr, "dig: %v\n", err)
		return 10
	}
	cfg.EDNS0, cfg.AnyAnswer, cfg.Timeout, cfg.Attempts = true, true, 5*time.Second, 3 // dig's own
	o.cfg(&cfg)
	ask := r.Query
	if o.search {
		ask = r.Search
	}
	res, err := ask(ctx, cfg, o.name, o.qtype)
	if !o.short && !o.hide["cmd"] {
		fmt.Fprintf(w.Stdout, "\n; <<>> DiG (kubestep) <<>> %s\n;; global options: +cmd\n", strings.Join(w.Args[1:], " "))
	}
	for _, t := range res.Tries {
		if t.Err != nil {
			fmt.Fprintf(w.Stdout, ";; communications error to %s#%d: %v\n", t.Server.Addr(), t.Server.Port(), t.Err)
		}
	}
	try, ok := lastAnswer(res)
	if !ok {
		if len(res.Tries) == 0 {
			fmt.Fprintf(w.Stderr, "dig: '%s': %v\n", o.name, err)
			return 10
		}
		fmt.Fprintln(w.Stdout, ";; no servers could be reached")
		return 9
	}
	if o.short {
		for _, rr := range try.Message.Answer {
			fmt.Fprintln(w.Stdout, rdata(rr))
		}
		return 0
	}
	o.print(w, try)
	return 0
}

func parseDig(args []string) (*digOptions, error) {
	o := &digOptions{qtype: dns.TypeA, name: ".", hide: map[string]bool{}}
	var edits []func(c *resolver.Config)
	o.cfg = func(c *resolver.Config) {
		for _, edit := range edits {
			edit(c)
		}
	}
	named, typed := false, false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		upper := strings.ToUpper(arg)
		switch {
		case strings.HasPrefix(arg, "@"):
			o.server = arg[1:]
		case arg == "-x" || arg == "-t":
			if i++; i == len(args) {
				return nil, fmt.Errorf("%s needs a value", arg)
			}
			if arg == "-t" {
				t, ok := dns.StringToType[strings.ToUpper(args[i])]
				if !ok {
					return nil, fmt.Errorf("invalid type %s", args[i])
				}
				o.qtype, typed = t, true
				continue
			}
			a, err := netip.ParseAddr(args[i])
			if err != nil {
				return nil, fmt.Errorf("-x: %w", err)
			}
			if o.name, err = dns.ReverseAddr(a.String()); err != nil {
				return nil, err
			}
			o.qtype, named = dns.TypePTR, true
		case strings.HasPrefix(arg, "+"):
			edit, err := o.plus(arg[1:])
			if err != nil {
				return nil, err
			}
			edits = append(edits, edit)
		case strings.HasPrefix(arg, "-"):
			return nil, fmt.Errorf("invalid option %s", arg)
		case upper == "IN":
		case dns.StringToType[upper] != 0 && !typed:
			o.qtype, typed = dns.StringToType[upper], true
		case named:
			return nil, fmt.Errorf("one name at a time: %s", arg)
		default:
			o.name, named = arg, true
		}
	}
	if !named && !typed {
		o.qtype = dns.TypeNS // dig without anything asks for the root's servers
	}
	return o, nil
}

// digSections are what +all and +noall are about.
func digSections() []string {
	return []string{"cmd", "comments", "question", "answer", "authority", "additional", "stats"}
}

// plus reads an option such as "+short" or "+noall".
func (o *digOptions) plus(arg string) (func(c *resolver.Config), error) {
	name, value, _ := strings.Cut(arg, "=")
	off := strings.HasPrefix(name, "no")
	if off {
		name = name[2:]
	}
	n, numErr := strconv.Atoi(value)
	nothing := func(*resolver.Config) {}
	for _, s := range digSections() {
		if name == s || name == "all" {
			o.hide[s] = off
			if name == s {
				return nothing, nil
			}
		}
	}
	switch name {
	case "all":
	case "short":
		o.short = !off
	case "search":
		o.search = !off
	case "recurse", "rec", "cookie":
	case "tcp", "vc":
		return func(c *resolver.Config) { c.UseTCP = !off }, nil
	case "edns":
		return func(c *resolver.Config) { c.EDNS0 = !off }, nil
	case "time", "timeout", "tries", "retry", "ndots":
		if numErr != nil {
			return nil, fmt.Errorf("+%s needs a number", name)
		}
		if name == "ndots" {
			o.search = true
		}
		return func(c *resolver.Config) {
			switch name {
			case "time", "timeout":
				c.Timeout = time.Duration(max(n, 1)) * time.Second
			case "tries":
				c.Attempts = max(n, 1)
			case "retry":
				c.Attempts = max(n, 0) + 1
			case "ndots":
				c.Ndots = n
			}
		}, nil
	default:
		return nil, fmt.Errorf("invalid option: +%s", arg)
	}
	return nothing, nil
}

// print writes an answer in dig's form.
func (o *digOptions) print(w *World, t resolver.Try) {
	m := t.Message
	section := func(name, title string, rrs []dns.RR) {
		if o.hide[name] || len(rrs) == 0 {
			return
		}
		if !o.hide["comments"] {
			fmt.Fprintf(w.Stdout, ";; %s SECTION:\n", title)
		}
		for _, rr := range rrs {
			fmt.Fprintln(w.Stdout, rr)
		}
		if !o.hide["comments"] {
			fmt.Fprintln(w.Stdout)
		}
	}
	var extra []dns.RR
	for _, rr := range m.Extra {
		if rr.Header().Rrtype != dns.TypeOPT {
			extra = append(extra, rr)
		}
	}
	if !o.hide["comments"] {
		fmt.Fprintf(w.Stdout, ";; Got answer:\n;; ->>HEADER<<- opcode: %s, status: %s, id: %d\n", dns.OpcodeToString[m.Opcode],
			dns.RcodeToString[m.Rcode], m.Id)
		fmt.Fprintf(w.Stdout, ";; flags:%s; QUERY: %d, ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d\n\n", digFlags(m),
			len(m.Question), len(m.Answer), len(m.Ns), len(m.Extra))
		if opt := m.IsEdns0(); opt != nil {
			fmt.Fprintf(w.Stdout, ";; OPT PSEUDOSECTION:\n; EDNS: version: %d, flags:; udp: %d\n", opt.Version(), opt.UDPSize())
		}
	}
	if !o.hide["question"] && len(m.Question) > 0 {
		q := m.Question[0]
		fmt.Fprintf(w.Stdout, ";; QUESTION SECTION:\n;%s\t\t%s\t%s\n\n", q.Name, dns.ClassToString[q.Qclass],
			dns.TypeToString[q.Qtype])
	}
	section("answer", "ANSWER", m.Answer)
	section("authority", "AUTHORITY", m.Ns)
	section("additional", "ADDITIONAL", extra)
	if !o.hide["stats"] {
		transport := "UDP"
		if t.TCP {
			transport = "TCP"
		}
		fmt.Fprintf(w.Stdout, ";; Query time: %d msec\n;; SERVER: %s#%d(%s) (%s)\n;; WHEN: %s\n;; MSG SIZE  rcvd: %d\n\n",
			t.RTT.Milliseconds(), t.Server.Addr(), t.Server.Port(), t.Server.Addr(), transport,
			w.Clock.Now().UTC().Format("Mon Jan 02 15:04:05 MST 2006"), m.Len())
	}
}

func digFlags(m *dns.Msg) string {
	flags := ""
	for _, f := range []struct {
		set  bool
		name string
	}{{m.Response, " qr"}, {m.Authoritative, " aa"}, {m.Truncated, " tc"}, {m.RecursionDesired, " rd"},
		{m.RecursionAvailable, " ra"}, {m.AuthenticatedData, " ad"}, {m.CheckingDisabled, " cd"}} {
		if f.set {
			flags += f.name
		}
	}
	return flags
}
