package resolver

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of glibc, from resolv/bits/types/res_state.h and resolv/resolv.h.
const (
	maxServers  = 3  // MAXNS: further nameserver lines are ignored
	maxNdots    = 15 // RES_MAXNDOTS
	maxTimeout  = 30 // RES_MAXRETRANS, seconds
	maxAttempts = 5  // RES_MAXRETRY
)

// Config is what /etc/resolv.conf says.
type Config struct {
	Servers []netip.AddrPort
	Search  []string // domains without a final dot; "." is the root
	// Ndots is how many dots make a name be tried as it is before the search list; 1 by default, 5 in most Pods.
	Ndots    int
	Timeout  time.Duration // of the first server; 5 s by default
	Attempts int           // rounds over all servers; 2 by default

	Rotate              bool // begin with another server each time
	UseTCP              bool // "use-vc"
	EDNS0               bool
	SingleRequest       bool // ask for AAAA when A is answered
	SingleRequestReopen bool // and from another port
	NoTLDQuery          bool // never ask for a name without dots as it is
	NoAAAA              bool
	TrustAD             bool

	// AnyAnswer takes an answer that says SERVFAIL or REFUSED as one, instead of asking the next server: for programs that
	// show answers, such as dig. No resolv.conf says it.
	AnyAnswer bool
}

// ParseConfig reads a resolv.conf as glibc's res_init does: the last search or domain line counts, values out of range
// are cut, what is not known is ignored, and no nameserver means 127.0.0.1. Without search and domain lines the search
// list is what follows the first dot of hostname. getenv, which may be nil, gives LOCALDOMAIN and RES_OPTIONS, which
// overrule the file.
func ParseConfig(text, hostname string, getenv func(name string) string) Config {
	c := Config{Ndots: 1, Timeout: 5 * time.Second, Attempts: 2}
	searched := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		keyword, rest, ok := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		words := strings.Fields(rest)
		switch keyword {
		case "nameserver":
			if len(words) == 0 || len(c.Servers) == maxServers {
				continue
			}
			if a, err := netip.ParseAddr(words[0]); err == nil {
				c.Servers = append(c.Servers, netip.AddrPortFrom(a, 53))
			}
		case "domain":
			if len(words) > 0 {
				c.Search, searched = searchList(words[:1]), true
			}
		case "search":
			if len(words) > 0 {
				c.Search, searched = searchList(words), true
			}
		case "options":
			c.options(words)
		}
	}
	if getenv != nil {
		if words := strings.Fields(getenv("LOCALDOMAIN")); len(words) > 0 {
			c.Search, searched = searchList(words), true
		}
		c.options(strings.Fields(getenv("RES_OPTIONS")))
	}
	if _, domain, ok := strings.Cut(hostname, "."); ok && !searched {
		c.Search = searchList([]string{domain})
	}
	if len(c.Servers) == 0 {
		c.Servers = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 53)}
	}
	return c
}

func searchList(words []string) []string {
	list := slices.Clone(words)
	for i, w := range list {
		if list[i] = strings.TrimSuffix(w, "."); list[i] == "" {
			list[i] = "."
		}
	}
	return list
}

// options reads an options line: res_setoptions in resolv/res_init.c.
func (c *Config) options(words []string) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, ":")
		n := atoi(value)
		switch name {
		case "ndots":
			c.Ndots = min(n, maxNdots)
		case "timeout":
			c.Timeout = time.Duration(min(n, maxTimeout)) * time.Second
		case "attempts":
			c.Attempts = min(n, maxAttempts)
		case "rotate":
			c.Rotate = true
		case "use-vc":
			c.UseTCP = true
		case "edns0":
			c.EDNS0 = true
		case "single-request":
			c.SingleRequest = true
		case "single-request-reopen":
			c.SingleRequestReopen = true
		case "no-tld-query", "no_tld_query":
			c.NoTLDQuery = true
		case "no-aaaa":
			c.NoAAAA = true
		case "trust-ad":
			c.TrustAD = true
		}
	}
}

// atoi is C's: digits up to the first other character, 0 when there are none.
func atoi(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		s = s[:end]
	}
	n, err := strconv.Atoi(s)
	if err != nil && s != "" {
		return 1 << 20 // more than an int: every option has a limit below
	}
	return n
}

// hosts returns the addresses that a hosts file gives a name, in its order.
func hosts(text, name string) []netip.Addr {
	var found []netip.Addr
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 || !slices.ContainsFunc(words[1:], func(w string) bool { return strings.EqualFold(w, name) }) {
			continue
		}
		if a, err := netip.ParseAddr(words[0]); err == nil && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	return found
}

// hostNames returns the names that a hosts file gives an address, the canonical one first.
func hostNames(text string, a netip.Addr) []string {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		if b, err := netip.ParseAddr(words[0]); err == nil && a == b {
			return words[1:]
		}
	}
	return nil
}
