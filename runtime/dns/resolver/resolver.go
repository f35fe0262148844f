package resolver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Options say where a resolver lives. Dial is needed.
type Options struct {
	// ReadFile returns a file of the container: /etc/resolv.conf and /etc/hosts are read at each lookup. A file that is
	// not there counts as empty.
	ReadFile func(name string) ([]byte, error)
	// Getenv returns environment variables: LOCALDOMAIN and RES_OPTIONS overrule resolv.conf. May be nil.
	Getenv   func(name string) string
	Hostname string
	// Dial opens a socket: "udp" or "tcp" to a literal address. Deadlines on it are set from time.Now.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now measures round trips, by default time.Now.
	Now      func() time.Time
	Observer Observer // may be nil
}

// Resolver finds names. It is safe for concurrent use.
type Resolver struct {
	opts    Options
	rotated atomic.Uint32
}

// New returns a resolver.
func New(o Options) *Resolver {
	r := &Resolver{opts: o}
	r.rotated.Store(rand.Uint32())
	return r
}

func (r *Resolver) now() time.Time {
	if r.opts.Now != nil {
		return r.opts.Now()
	}
	return time.Now()
}

func (r *Resolver) id() uint16 { return uint16(rand.Uint32()) }

func (r *Resolver) read(name string) (string, error) {
	if r.opts.ReadFile == nil {
		return "", nil
	}
	b, err := r.opts.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return string(b), nil
}

// Config reads the container's /etc/resolv.conf.
func (r *Resolver) Config() (Config, error) {
	text, err := r.read("/etc/resolv.conf")
	if err != nil {
		return Config{}, err
	}
	return ParseConfig(text, r.opts.Hostname, r.opts.Getenv), nil
}

// The ways in which a lookup fails, as getaddrinfo(3) has them; gai_strerror's words.
var (
	ErrNotFound   = errors.New("Name or service not known")                  //nolint:staticcheck // glibc's words
	ErrNoData     = errors.New("No address associated with hostname")        //nolint:staticcheck // glibc's words
	ErrTryAgain   = errors.New("Temporary failure in name resolution")       //nolint:staticcheck // glibc's words
	ErrNoRecovery = errors.New("Non-recoverable failure in name resolution") //nolint:staticcheck // glibc's words
)

// Result is what a lookup found, and how.
type Result struct {
	// Name is the form of the host that was found, with a final dot; empty when none was.
	Name string
	// Replies are the servers' answers about Name, in the order in which they came.
	Replies []*dns.Msg
	// Tries are all queries in the order in which they ended, whether or not there is an error.
	Tries []Try
}

// Addresses returns the addresses in the answers, IPv4 before IPv6, following aliases from Name.
func (r *Result) Addresses() []netip.Addr {
	var v4, v6 []netip.Addr
	for _, m := range r.Replies {
		owner := r.Name
		for _, rr := range m.Answer {
			if !strings.EqualFold(rr.Header().Name, owner) {
				continue
			}
			switch rr := rr.(type) {
			case *dns.CNAME:
				owner = rr.Target
			case *dns.A:
				if a, ok := netip.AddrFromSlice(rr.A.To4()); ok {
					v4 = append(v4, a)
				}
			case *dns.AAAA:
				if a, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok {
					v6 = append(v6, a)
				}
			}
		}
	}
	return append(v4, v6...)
}

// Resolve finds a host's addresses as getaddrinfo(3) does: a literal address, /etc/hosts, then DNS with A and AAAA at
// once. The error is a *net.DNSError in glibc's words.
func (r *Resolver) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if found, err := r.Hosts(host); err != nil || len(found) > 0 {
		return found, err
	}
	if host == "localhost" { // RFC 6761; everybody's /etc/hosts has it
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	cfg, err := r.Config()
	if err != nil {
		return nil, err
	}
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	if cfg.NoAAAA {
		types = types[:1]
	}
	res, err := r.Search(ctx, cfg, host, types...)
	if err == nil {
		if found := res.Addresses(); len(found) > 0 {
			return found, nil
		}
		err = ErrNoData
	}
	return nil, &net.DNSError{UnwrapErr: err, Err: err.Error(), Name: host, Server: cfg.Servers[0].String(),
		IsNotFound:  errors.Is(err, ErrNotFound) || errors.Is(err, ErrNoData),
		IsTemporary: errors.Is(err, ErrTryAgain), IsTimeout: errors.Is(err, context.DeadlineExceeded)}
}

// Hosts returns what /etc/hosts says of a host.
func (r *Resolver) Hosts(host string) ([]netip.Addr, error) {
	text, err := r.read("/etc/hosts")
	return hosts(text, host), err
}

// HostNames returns the names that /etc/hosts gives an address, the canonical one first.
func (r *Resolver) HostNames(a netip.Addr) ([]string, error) {
	text, err := r.read("/etc/hosts")
	return hostNames(text, a), err
}

// Query asks for a name as it is, without the search list: res_query(3). See [Resolver.Search].
func (r *Resolver) Query(ctx context.Context, c Config, host string, types ...uint16) (*Result, error) {
	l := r.lookup(&c, host)
	res := &Result{}
	v := l.query(ctx, name{fqdn: dns.Fqdn(host)}, types, res)
	res.Tries = l.tries
	return res, v.err()
}

// Search looks for a host by way of the search list, as res_search(3) does, for one type, or for two at once. The result
// is never nil; the error is nil, one of ErrNotFound, ErrNoData, ErrTryAgain and ErrNoRecovery, or ctx's.
func (r *Resolver) Search(ctx context.Context, c Config, host string, types ...uint16) (*Result, error) {
	l := r.lookup(&c, host)
	res := &Result{}
	err := l.search(ctx, types, res)
	res.Tries = l.tries
	return res, err
}

func (r *Resolver) lookup(c *Config, host string) *lookup {
	l := &lookup{r: r, cfg: c, host: host, id: rand.Uint32(), single: c.SingleRequest, reopen: c.SingleRequestReopen,
		sockets: map[int]*socket{}}
	if c.Rotate && len(c.Servers) > 1 {
		l.offset = int(r.rotated.Add(1) % uint32(len(c.Servers)))
	}
	return l
}
