package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const ncUsage = `usage: nc [-klNnuvz] [-p source_port] [-q seconds] [-w timeout]
	  [destination] [port]
`

// netcat is one run of nc.
type netcat struct {
	w                                       *World
	listen, keep, scan, udp, verbose, close bool
	timeout, quit                           time.Duration
}

// nc connects standard input and output with a socket, as OpenBSD's does: "nc web 80", "nc -zv web 80", "nc -l 9000",
// "nc -u ...". It exits with 0, or with 1 when nothing was reached.
func nc(ctx context.Context, w *World) int {
	n := &netcat{w: w, quit: -1}
	source, quit := "", ""
	var o options
	o.flag(&n.listen, "l")
	o.flag(&n.keep, "k")
	o.flag(&n.scan, "z")
	o.flag(&n.udp, "u")
	o.flag(&n.verbose, "v")
	o.flag(&n.close, "N")
	o.ignore("n", "4", "h")
	o.text(&source, "p")
	o.text(&quit, "q")
	o.seconds(&n.timeout, "w")
	args, err := o.parse(w.Args[1:])
	if err != nil {
		fmt.Fprintf(w.Stderr, "nc: %v\n%s", err, ncUsage)
		return 1
	}
	if quit != "" {
		seconds, err := strconv.Atoi(quit)
		if err != nil {
			fmt.Fprintf(w.Stderr, "nc: invalid quit timer: %s\n", quit)
			return 1
		}
		n.quit, n.close = time.Duration(seconds)*time.Second, seconds >= 0
	}
	switch {
	case n.listen && source != "" && len(args) == 0: // nc -l -p 9000
		args = []string{source}
	case n.listen && len(args) == 1:
	case len(args) != 2:
		_, _ = io.WriteString(w.Stderr, ncUsage)
		return 1
	}
	if n.listen {
		host := ""
		if len(args) == 2 {
			host = args[0]
		}
		return n.serve(ctx, host, args[len(args)-1])
	}
	first, last, err := portRange(args[1])
	if err != nil {
		fmt.Fprintf(w.Stderr, "nc: %v\n", err)
		return 1
	}
	to, err := lookup(ctx, w, args[0])
	if err != nil {
		fmt.Fprintf(w.Stderr, "nc: getaddrinfo for host \"%s\" port %s: %v\n", args[0], args[1], err)
		return 1
	}
	code := 1
	for port := first; port <= last && ctx.Err() == nil; port++ {
		if n.connect(ctx, args[0], to.String(), strconv.Itoa(port)) {
			code = 0
		}
	}
	return code
}

// portRange reads "80" or "8000-8010".
func portRange(text string) (first, last int, err error) {
	a, b, isRange := strings.Cut(text, "-")
	if !isRange {
		b = a
	}
	first, err = strconv.Atoi(a)
	if err == nil {
		last, err = strconv.Atoi(b)
	}
	if err != nil || first < 1 || last > 65535 || first > last {
		return 0, 0, fmt.Errorf("port number invalid: %s", text)
	}
	return first, last, nil
}

func (n *netcat) protocol() string {
	if n.udp {
		return "udp"
	}
	return "tcp"
}

// connect reaches one port and reports whether it did. A UDP port counts as reached when nothing says the contrary.
func (n *netcat) connect(ctx context.Context, host, address, port string) bool {
	dialing, cancel := n.w.withTimeout(ctx, n.timeout)
	defer cancel()
	conn, err := n.w.Network.Dial(dialing, n.protocol(), net.JoinHostPort(address, port))
	if err == nil && n.udp && n.scan && !n.answers(conn) {
		_ = conn.Close()
		return false
	}
	switch {
	case err != nil && timedOut(dialing):
		fmt.Fprintf(n.w.Stderr, "nc: connect to %s port %s (%s) timed out: Operation now in progress\n", host, port, n.protocol())
		return false
	case err != nil:
		if n.verbose || !n.scan {
			fmt.Fprintf(n.w.Stderr, "nc: connect to %s port %s (%s) failed: %s\n", host, port, n.protocol(), errorText(err))
		}
		return false
	}
	defer conn.Close()
	if n.verbose {
		at := host
		if host != address {
			at = host + " (" + address + ")"
		}
		fmt.Fprintf(n.w.Stderr, "Connection to %s %s port [%s/%s] succeeded!\n", at, port, n.protocol(), service(port))
	}
	if n.scan {
		return true
	}
	return n.talk(ctx, conn) == nil
}

// service is the name of a port in /etc/services, "*" for others.
func service(port string) string {
	if name := map[string]string{"22": "ssh", "25": "smtp", "53": "domain", "80": "http", "443": "https", "6443": "*",
		"8080": "http-alt", "5432": "postgresql", "3306": "mysql"}[port]; name != "" {
		return name
	}
	return "*"
}

// answers sends a UDP port a byte several times, as nc does; a closed port says so.
func (n *netcat) answers(conn net.Conn) bool {
	for range 4 {
		if _, err := conn.Write([]byte("X")); err != nil {
			return false
		}
		if err := conn.SetReadDeadline(n.w.Clock.Now().Add(250 * time.Millisecond)); err != nil {
			return false
		}
		var b [1]byte
		if _, err := conn.Read(b[:]); err == nil {
			return true
		} else if !isTimeout(err) {
			return false
		}
	}
	return true
}

// talk copies both ways. It ends when the peer has ended its half, when nothing has come for -w, or some time after the
// end of standard input if -q says so.
func (n *netcat) talk(ctx context.Context, conn net.Conn) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	go func() {
		_, err := io.Copy(conn, n.w.Stdin)
		if err != nil {
			return // the connection is gone, which the other direction sees
		}
		if half, ok := conn.(interface{ CloseWrite() error }); ok && n.close {
			_ = half.CloseWrite() // as above
		}
		if n.quit >= 0 && !wait(ctx, n.w, n.quit, nil) {
			end()
		}
	}()
	buffer := make([]byte, 16<<10)
	for {
		if n.timeout > 0 {
			if err := conn.SetReadDeadline(n.w.Clock.Now().Add(n.timeout)); err != nil {
				return err
			}
		}
		got, err := conn.Read(buffer)
		if _, werr := n.w.Stdout.Write(buffer[:got]); werr != nil {
			return werr
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), isTimeout(err), ctx.Err() != nil:
			return nil
		case n.udp:
			return err
		default:
			fmt.Fprintf(n.w.Stderr, "nc: read: %s\n", errorText(err))
			return err
		}
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// serve waits for a peer and talks with it; with -k for another one after that.
func (n *netcat) serve(ctx context.Context, host, port string) int {
	if _, _, err := portRange(port); err != nil {
		fmt.Fprintf(n.w.Stderr, "nc: %v\n", err)
		return 1
	}
	address := net.JoinHostPort(host, port)
	if n.udp {
		return n.serveUDP(ctx, address)
	}
	l, err := n.w.Network.Listen(ctx, "tcp", address)
	if err != nil {
		fmt.Fprintf(n.w.Stderr, "nc: %s\n", errorText(err))
		return 1
	}
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	n.listening(l.Addr())
	for {
		conn, err := l.Accept()
		if err != nil {
			return 1
		}
		n.received(conn.RemoteAddr())
		if !n.keep {
			_ = l.Close() // the one peer is here; others are refused
		}
		err = n.talk(ctx, conn)
		_ = conn.Close() // talked all there was
		if !n.keep {
			if err != nil {
				return 1
			}
			return 0
		}
	}
}

// serveUDP talks with whoever sends first.
func (n *netcat) serveUDP(ctx context.Context, address string) int {
	c, err := n.w.Network.ListenPacket(ctx, "udp", address)
	if err != nil {
		fmt.Fprintf(n.w.Stderr, "nc: %s\n", errorText(err))
		return 1
	}
	defer c.Close()
	n.listening(c.LocalAddr())
	buffer := make([]byte, 64<<10)
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	got, peer, err := c.ReadFrom(buffer)
	if err != nil {
		return 1
	}
	n.received(peer)
	if _, err := n.w.Stdout.Write(buffer[:got]); err != nil {
		return 1
	}
	if n.talk(ctx, &packetPeer{PacketConn: c, peer: peer}) != nil {
		return 1
	}
	return 0
}

func (n *netcat) listening(at net.Addr) {
	if !n.verbose {
		return
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return // an address without a port is nothing that nc listens on
	}
	if host == "" || host == "::" {
		host = "0.0.0.0"
	}
	fmt.Fprintf(n.w.Stderr, "Listening on %s %s\n", host, port)
}

func (n *netcat) received(from net.Addr) {
	if n.verbose {
		a := addrPort(from)
		fmt.Fprintf(n.w.Stderr, "Connection received on %s %d\n", a.Addr(), a.Port())
	}
}

// packetPeer is a UDP socket that talks with one peer.
type packetPeer struct {
	net.PacketConn
	peer net.Addr
}

// Read implements [net.Conn]; what others send is dropped.
func (p *packetPeer) Read(b []byte) (int, error) {
	for {
		n, from, err := p.ReadFrom(b)
		if err != nil || from.String() == p.peer.String() {
			return n, err
		}
	}
}

// Write implements [net.Conn].
func (p *packetPeer) Write(b []byte) (int, error) { return p.WriteTo(b, p.peer) }

// RemoteAddr implements [net.Conn].
func (p *packetPeer) RemoteAddr() net.Addr { return p.peer }
