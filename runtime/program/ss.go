package program

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/kubestep/kubestep/runtime/network"
)

const ssUsage = `Usage: ss [ OPTIONS ]
   -n, --numeric       don't resolve service names (they never are)
   -a, --all           display all sockets
   -l, --listening     display listening sockets
   -t, --tcp           display only TCP sockets
   -u, --udp           display only UDP sockets
   -4, --ipv4          display only IP version 4 sockets
   -H, --no-header     suppress header line
`

const netstatUsage = `usage: netstat [-tuna] [-l]
        -t|--tcp  -u|--udp  -l|--listening  -a|--all  -n|--numeric
`

// socketFilter is what ss and netstat are asked to list.
type socketFilter struct {
	hideTimeWait                             bool // unless all are asked for
	tcp, udp, all, listening, noHeader, help bool
}

// parse reads the options that both have.
func (f *socketFilter) parse(args []string) error {
	var o options
	o.flag(&f.tcp, "t", "tcp")
	o.flag(&f.udp, "u", "udp")
	o.flag(&f.all, "a", "all")
	o.flag(&f.listening, "l", "listening")
	o.flag(&f.noHeader, "H", "no-header")
	o.flag(&f.help, "h", "help")
	o.ignore("n", "numeric", "4", "ipv4", "W", "wide", "o", "O", "oneline", "i", "e", "m")
	o.ignore("p", "processes", "program", "programs") // a network namespace does not know them
	_, err := o.parse(args)
	return err
}

// sockets are those asked for, TCP last as ss has it.
func (f *socketFilter) sockets(l Lister) []network.Socket {
	both := f.tcp == f.udp
	var some []network.Socket
	for _, protocol := range []string{"udp", "tcp"} {
		for _, s := range l.Sockets() {
			waits := s.State == network.StateListen || s.State == network.StateUnconnected
			wanted := both || f.tcp && protocol == "tcp" || f.udp && protocol == "udp"
			if f.hideTimeWait && !f.all && s.State == "TIME_WAIT" {
				continue
			}
			if s.Protocol == protocol && wanted && (f.all || waits == f.listening) {
				some = append(some, s)
			}
		}
	}
	return some
}

// ss lists the sockets of the Pod, all containers' and not only this one's: "ss -tln", "ss -tan", "ss -u".
func ss(_ context.Context, w *World) int {
	f := socketFilter{hideTimeWait: true}
	if err := f.parse(w.Args[1:]); err != nil {
		fmt.Fprintf(w.Stderr, "ss: %v\n%s", err, ssUsage)
		return 255
	}
	if f.help {
		_, _ = io.WriteString(w.Stdout, ssUsage)
		return 0
	}
	l, ok := As[Lister](w.Network)
	if !ok {
		fmt.Fprintln(w.Stderr, "Cannot open netlink socket: Protocol not supported")
		return 1
	}
	both := f.tcp == f.udp
	var rows [][]string
	if !f.noHeader {
		head := []string{"State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port"}
		if both {
			head = append([]string{"Netid"}, head...)
		}
		rows = append(rows, head)
	}
	for _, s := range f.sockets(l) {
		row := []string{ssState(s.State), fmt.Sprint(s.ReceiveQueue), fmt.Sprint(s.SendQueue), end(s.Local), end(s.Remote)}
		if both {
			row = append([]string{s.Protocol}, row...)
		}
		rows = append(rows, row)
	}
	printSS(w.Stdout, rows)
	return 0
}

// printSS prints rows with columns as wide as they need to be; local and peer address meet at the colon in ss, which
// here means that the local address is at the right of its column.
func printSS(out io.Writer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i >= len(row)-2 {
				fmt.Fprintf(&line, "%*s ", widths[i], cell)
				continue
			}
			fmt.Fprintf(&line, "%-*s ", widths[i], cell)
		}
		fmt.Fprintln(out, line.String())
	}
}

// ssState is ss's name for a state: "ESTAB", "TIME-WAIT".
func ssState(state string) string {
	if state == network.StateEstablished {
		return "ESTAB"
	}
	return strings.Replace(strings.Replace(state, "FIN_WAIT", "FIN_WAIT_", 1), "_", "-", -1)
}

// end is one end of a socket; port 0 is any.
func end(a netip.AddrPort) string {
	if a.Port() == 0 {
		return a.Addr().String() + ":*"
	}
	return a.String()
}

// netstat lists sockets as net-tools' does: "netstat -tln", "netstat -tan"; -r and -i are ip's.
func netstat(_ context.Context, w *World) int {
	var f socketFilter
	if err := f.parse(w.Args[1:]); err != nil {
		fmt.Fprintf(w.Stderr, "netstat: %v\n%s", err, netstatUsage)
		return 3
	}
	if f.help {
		_, _ = io.WriteString(w.Stderr, netstatUsage)
		return 3
	}
	l, ok := As[Lister](w.Network)
	if !ok {
		fmt.Fprintln(w.Stderr, "netstat: no support for `AF INET' on this system.")
		return 1
	}
	which := "w/o servers"
	switch {
	case f.all:
		which = "servers and established"
	case f.listening:
		which = "only servers"
	}
	fmt.Fprintf(w.Stdout, "Active Internet connections (%s)\n", which)
	fmt.Fprintln(w.Stdout, "Proto Recv-Q Send-Q Local Address           Foreign Address         State      ")
	for _, s := range f.sockets(l) {
		state := s.State
		if state == network.StateUnconnected {
			state = ""
		}
		fmt.Fprintf(w.Stdout, "%-5s %6d %6d %-23s %-23s %-11s\n", s.Protocol, s.ReceiveQueue, s.SendQueue, end(s.Local),
			end(s.Remote), state)
	}
	return 0
}
