package program

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubestep/kubestep/runtime/network"
)

const ipUsage = `Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT := { address | link | route | neigh }
       OPTIONS := { -4 | -br[ief] | -o[neline] }
       COMMAND := { show [ dev DEVICE ] }, for route also { get ADDRESS }
`

// ip shows interfaces, addresses, routes and neighbours as iproute2 does: "ip addr", "ip -br a", "ip link show eth0",
// "ip route", "ip route get 10.96.0.1", "ip neigh". It changes nothing.
func ip(_ context.Context, w *World) int {
	args := w.Args[1:]
	c := ipCommand{w: w}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch option := strings.TrimLeft(args[0], "-"); {
		case option == "4" || option == "N" || option == "d" || option == "details" || strings.HasPrefix("color", option):
		case option == "6":
			c.none = true
		case option == "o" || option == "oneline":
			c.oneline = true
		case len(option) >= 2 && strings.HasPrefix("brief", option):
			c.brief = true
		default:
			fmt.Fprintf(w.Stderr, "Option \"%s\" is unknown, try \"ip -help\".\n", args[0])
			return 255
		}
		args = args[1:]
	}
	if len(args) == 0 || args[0] == "help" {
		_, _ = io.WriteString(w.Stderr, ipUsage)
		return 255
	}
	var ok bool
	if c.net, ok = As[Lister](w.Network); !ok {
		fmt.Fprintln(w.Stderr, "Cannot open netlink socket: Protocol not supported")
		return 1
	}
	object, args := args[0], args[1:]
	for _, o := range []struct {
		name string
		show func(args []string) int
	}{{"address", c.addr}, {"link", c.link}, {"route", c.route}, {"neighbour", c.neigh}, {"neighbor", c.neigh}} {
		if strings.HasPrefix(o.name, object) {
			return o.show(args)
		}
	}
	fmt.Fprintf(w.Stderr, "Object \"%s\" is unknown, try \"ip help\".\n", object)
	return 1
}

type ipCommand struct {
	w                    *World
	net                  Lister
	brief, oneline, none bool
}

// show reads "show dev eth0", "show eth0", "list" or nothing. The exit code is set when there is nothing to show.
func (c *ipCommand) show(args []string) (device string, code int) {
	if len(args) > 0 {
		verb := args[0]
		switch {
		case strings.HasPrefix("show", verb), strings.HasPrefix("list", verb), verb == "lst":
			args = args[1:]
		case slices.Contains([]string{"add", "a", "del", "delete", "replace", "set", "change", "flush"}, verb):
			fmt.Fprintln(c.w.Stderr, "RTNETLINK answers: Operation not permitted")
			return "", 2
		}
	}
	if len(args) > 0 && args[0] == "dev" {
		if args = args[1:]; len(args) == 0 {
			fmt.Fprintln(c.w.Stderr, "Command line is not complete. Try option \"help\"")
			return "", 255
		}
	}
	if len(args) == 0 {
		return "", 0
	}
	if !slices.ContainsFunc(c.net.Interfaces(), func(i network.Interface) bool { return i.Name == args[0] }) {
		fmt.Fprintf(c.w.Stderr, "Device \"%s\" does not exist.\n", args[0])
		return "", 1
	}
	return args[0], 0
}

func (c *ipCommand) interfaces(args []string, show func(i network.Interface)) int {
	device, code := c.show(args)
	if code != 0 {
		return code
	}
	for _, i := range c.net.Interfaces() {
		if device == "" || i.Name == device {
			show(i)
		}
	}
	return 0
}

func (c *ipCommand) addr(args []string) int {
	return c.interfaces(args, func(i network.Interface) {
		addresses := i.Addresses
		if c.none {
			addresses = nil
		}
		if c.brief {
			fmt.Fprintf(c.w.Stdout, "%-16s %-14s ", i.Name, state(i))
			for _, a := range addresses {
				fmt.Fprintf(c.w.Stdout, "%s ", a)
			}
			fmt.Fprintln(c.w.Stdout)
			return
		}
		if !c.oneline {
			c.head(i)
		}
		for _, a := range addresses {
			if c.oneline {
				fmt.Fprintf(c.w.Stdout, "%d: %s    inet %s", i.Index, i.Name, inet(i, a))
			} else {
				fmt.Fprintf(c.w.Stdout, "    inet %s\n   ", inet(i, a))
			}
			if c.oneline {
				fmt.Fprint(c.w.Stdout, `\`)
			}
			fmt.Fprintln(c.w.Stdout, "    valid_lft forever preferred_lft forever")
		}
	})
}

// inet is an address with its broadcast address and its scope.
func inet(i network.Interface, a netip.Prefix) string {
	if i.Loopback {
		return fmt.Sprintf("%s scope host %s", a, i.Name)
	}
	text := a.String()
	if a.Bits() < 31 && a.Addr().Is4() {
		b := a.Addr().As4()
		mask := net.CIDRMask(a.Bits(), 32)
		for j := range b {
			b[j] |= ^mask[j]
		}
		text += " brd " + netip.AddrFrom4(b).String()
	}
	return fmt.Sprintf("%s scope global %s", text, i.Name)
}

func (c *ipCommand) link(args []string) int {
	return c.interfaces(args, func(i network.Interface) {
		if c.brief {
			fmt.Fprintf(c.w.Stdout, "%-16s %-14s %s <%s> \n", i.Name, state(i), lladdr(i), flagsOf(i))
			return
		}
		c.head(i)
	})
}

// head is the two lines that both ip addr and ip link begin with.
func (c *ipCommand) head(i network.Interface) {
	kind, broadcast, queue := "ether", "ff:ff:ff:ff:ff:ff", ""
	switch {
	case i.Loopback:
		kind, broadcast, queue = "loopback", "00:00:00:00:00:00", " qlen 1000"
	case i.Hardware == nil:
		kind = "none"
	}
	fmt.Fprintf(c.w.Stdout, "%d: %s: <%s> mtu %d qdisc noqueue state %s group default%s\n", i.Index, i.Name, flagsOf(i),
		i.MTU, state(i), queue)
	if kind == "none" {
		fmt.Fprintln(c.w.Stdout, "    link/none")
		return
	}
	fmt.Fprintf(c.w.Stdout, "    link/%s %s brd %s\n", kind, lladdr(i), broadcast)
}

func state(i network.Interface) string {
	if i.Loopback {
		return "UNKNOWN" // what Linux says of it
	}
	return "UP"
}

func flagsOf(i network.Interface) string {
	switch {
	case i.Loopback:
		return "LOOPBACK,UP,LOWER_UP"
	case i.Hardware == nil:
		return "NOARP,UP,LOWER_UP"
	}
	return "BROADCAST,MULTICAST,UP,LOWER_UP"
}

func lladdr(i network.Interface) string {
	if i.Hardware == nil {
		return "00:00:00:00:00:00"
	}
	return i.Hardware.String()
}

func (c *ipCommand) route(args []string) int {
	if len(args) > 0 && args[0] == "get" {
		return c.routeGet(args[1:])
	}
	device, code := c.show(args)
	if code != 0 || c.none {
		return code
	}
	// The main table as Linux lists it: the default route first; lo's is in the table "local".
	routes := slices.Clone(c.net.Routes())
	slices.SortStableFunc(routes, func(a, b network.Route) int { return min(a.To.Bits(), 1) - min(b.To.Bits(), 1) })
	for _, r := range routes {
		if r.Device == "lo" || r.To.IsSingleIP() && r.To.Addr() == r.Source || device != "" && r.Device != device {
			continue
		}
		to := r.To.String()
		if r.To.Bits() == 0 {
			to = "default"
		}
		if r.Via.IsValid() {
			fmt.Fprintf(c.w.Stdout, "%s via %s dev %s \n", to, r.Via, r.Device)
			continue
		}
		fmt.Fprintf(c.w.Stdout, "%s dev %s proto kernel scope link src %s \n", to, r.Device, c.source(r))
	}
	return 0
}

// source is the address that packets on a route come from.
func (c *ipCommand) source(r network.Route) netip.Addr {
	if r.Source.IsValid() {
		return r.Source
	}
	var first netip.Addr
	for _, i := range c.net.Interfaces() {
		for _, a := range i.Addresses {
			if i.Name == r.Device && !first.IsValid() || a.Contains(r.Via) {
				first = a.Addr()
			}
		}
	}
	return first
}

func (c *ipCommand) routeGet(args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(c.w.Stderr, "need at least a destination address")
		return 1
	}
	to, err := netip.ParseAddr(args[0])
	if err != nil {
		fmt.Fprintf(c.w.Stderr, "Error: any valid prefix is expected rather than \"%s\".\n", args[0])
		return 1
	}
	for _, i := range c.net.Interfaces() {
		for _, a := range i.Addresses {
			if a.Addr() == to || i.Loopback && a.Contains(to) {
				fmt.Fprintf(c.w.Stdout, "local %s dev lo src %s \n    cache <local> \n", to, to)
				return 0
			}
		}
	}
	var best network.Route
	for _, r := range c.net.Routes() {
		if r.To.Contains(to) && (!best.To.IsValid() || r.To.Bits() > best.To.Bits()) {
			best = r
		}
	}
	if !best.To.IsValid() {
		fmt.Fprintln(c.w.Stderr, "RTNETLINK answers: Network is unreachable")
		return 2
	}
	via := ""
	if best.Via.IsValid() {
		via = "via " + best.Via.String() + " "
	}
	fmt.Fprintf(c.w.Stdout, "%s %sdev %s src %s uid 0 \n    cache \n", to, via, best.Device, c.source(best))
	return 0
}

func (c *ipCommand) neigh(args []string) int {
	device, code := c.show(args)
	if code != 0 {
		return code
	}
	for _, n := range c.net.Neighbours() {
		if device != "" && n.Device != device {
			continue
		}
		known := ""
		if n.Hardware != nil && n.State != "FAILED" {
			known = " lladdr " + n.Hardware.String()
		}
		fmt.Fprintf(c.w.Stdout, "%s dev %s%s %s \n", n.Address, n.Device, known, n.State)
	}
	return 0
}
