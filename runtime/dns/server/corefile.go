package server

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"

	// The plugins that a Corefile of the lab may have, as upstream registers them.
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/template"
)

// version is CoreDNS', as in go.mod; its own variable belongs to coremain.
const version = "1.14.7"

// corefile is a Corefile as it was read.
type corefile struct {
	text   string
	blocks []block
	// health and ready are the addresses of the two HTTP servers, empty for none.
	health, ready string
	lameduck      time.Duration
	reload        bool
}

// block is one server block.
type block struct {
	keys       []string // as written: ".:53"
	zones      []string // "."
	directives []directive
	errors     bool
	log        bool
}

// directive is one line of a server block that makes a plugin.
type directive struct {
	name   string
	tokens []caddyfile.Token
}

// upstreams are the directives that upstream's code sets up.
func upstreams() []string { return []string{"cache", "rewrite", "template", "loadbalance"} }

// directives are all that a Corefile of the lab may have, in the order in which CoreDNS chains plugins. prometheus is
// accepted and serves nothing; loop is accepted, and there is nothing to find, because forward forwards nothing; reload
// makes the program look at its Corefile.
func directives() []string {
	return slices.DeleteFunc(slices.Clone(dnsserver.Directives), func(name string) bool {
		switch name {
		case "errors", "log", "health", "ready", "prometheus", "loop", "reload", "kubernetes", "forward":
			return false
		}
		return !slices.Contains(upstreams(), name)
	})
}

func parseCorefile(text string) (*corefile, error) {
	known := directives()
	parsed, err := caddyfile.Parse("Corefile", strings.NewReader(text), known)
	if err != nil {
		return nil, fmt.Errorf("read the Corefile: %w (the lab's CoreDNS has: %s)", err, strings.Join(known, " "))
	}
	if len(parsed) == 0 {
		return nil, fmt.Errorf("read the Corefile: it has no server block")
	}
	c := &corefile{text: text}
	for _, p := range parsed {
		b := block{keys: p.Keys}
		for _, key := range p.Keys {
			host, port, err := plugin.SplitHostPort(key)
			if err != nil {
				return nil, fmt.Errorf("read the Corefile: %w", err)
			}
			if port != "" && port != "53" {
				return nil, fmt.Errorf("read the Corefile: %s: the lab's CoreDNS serves on port 53 only", key)
			}
			for _, h := range host {
				b.zones = append(b.zones, plugin.Host(h).NormalizeExact()...)
			}
		}
		for _, name := range known {
			tokens, ok := p.Tokens[name]
			if !ok {
				continue
			}
			if err := c.directive(&b, name, tokens); err != nil {
				return nil, fmt.Errorf("read the Corefile: %w", err)
			}
		}
		c.blocks = append(c.blocks, b)
	}
	return c, nil
}

// directive takes in one directive of a block.
func (c *corefile) directive(b *block, name string, tokens []caddyfile.Token) error {
	switch name {
	case "errors":
		b.errors = true
	case "log":
		b.log = true
	case "reload":
		c.reload = true
	case "prometheus", "loop":
	case "ready":
		c.ready = ":8181"
		d := dispenser(tokens)
		d.Next()
		if args := d.RemainingArgs(); len(args) > 0 {
			c.ready = args[0]
		}
	case "health":
		c.health = ":8080"
		d := dispenser(tokens)
		d.Next()
		if args := d.RemainingArgs(); len(args) > 0 {
			c.health = args[0]
		}
		for d.NextBlock() {
			if d.Val() != "lameduck" || !d.NextArg() {
				return d.ArgErr()
			}
			var err error
			if c.lameduck, err = time.ParseDuration(d.Val()); err != nil {
				return d.Errf("lameduck: %v", err)
			}
		}
	default:
		b.directives = append(b.directives, directive{name, tokens})
	}
	return nil
}

func dispenser(tokens []caddyfile.Token) *caddyfile.Dispenser {
	d := caddyfile.NewDispenserTokens("Corefile", tokens)
	return &d
}

// controller returns what upstream's setup functions read a directive from.
func (b *block) controller(d directive) *caddy.Controller {
	c := caddy.NewTestController("dns", "") // the only one that can be made without starting a caddy server
	c.Dispenser = caddyfile.NewDispenserTokens("Corefile", d.tokens)
	c.ServerBlockKeys = b.zones
	return c
}

// setup makes a plugin by upstream's own setup function.
func (b *block) setup(d directive) ([]plugin.Plugin, error) {
	action, err := caddy.DirectiveAction("dns", d.name)
	if err != nil {
		return nil, err
	}
	c := b.controller(d)
	if err := action(c); err != nil {
		return nil, err
	}
	return dnsserver.GetConfig(c).Plugin, nil
}
