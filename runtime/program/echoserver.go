package program

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// TCPEcho sends back what it is sent, over TCP and UDP: "tcp-echo [--port 7] [--greet] [--drain 5s]". With --greet a
// connection begins with a line that says who answers whom. On SIGTERM it accepts no more, gives connections the drain
// time to end, and exits with 0.
func TCPEcho(ctx context.Context, w *World) int {
	flags := newFlags(w, "tcp-echo [--port 7] [--greet] [--drain 5s]",
		"Repeats what it is sent, over TCP and UDP.")
	port := flags.Int("port", envInt(w, "PORT", 7), "port to listen on, TCP and UDP")
	greet := flags.Bool("greet", false, "say who answers whom at the beginning of a connection")
	drain := flags.Duration("drain", 0, "how long open connections may go on after SIGTERM")
	if code, ok := flags.parse(); !ok {
		return code
	}
	signals := w.Signals.Notify(SIGTERM, SIGINT)
	l, err := w.Network.Listen(ctx, "tcp", ":"+strconv.Itoa(*port))
	if err != nil {
		fmt.Fprintf(w.Stderr, "tcp-echo: listen on port %d: %v\n", *port, err)
		return 1
	}
	defer l.Close()
	// A network without UDP has at least TCP.
	if udp, err := w.Network.ListenPacket(ctx, "udp", ":"+strconv.Itoa(*port)); err == nil {
		defer udp.Close()
		go echoDatagrams(udp)
	}
	fmt.Fprintf(w.Stdout, "tcp-echo %s listening on port %d\n", w.Hostname, *port)
	e := &echoServer{w: w, greet: *greet, open: map[net.Conn]struct{}{}}
	go e.accept(l)
	code := 0
	select {
	case s := <-signals:
		fmt.Fprintf(w.Stdout, "tcp-echo %s got %s, %d connections open\n", w.Hostname, s, e.count())
		_ = l.Close() // accepts no more
		e.drain(ctx, *drain)
	case <-ctx.Done():
		code = SIGKILL.ExitCode()
	}
	e.closeAll()
	e.running.Wait()
	fmt.Fprintf(w.Stdout, "tcp-echo %s stopped: %d connections, %d bytes\n", w.Hostname, e.served.Load(), e.bytes.Load())
	return code
}

func echoDatagrams(c net.PacketConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(buffer)
		if err != nil {
			return
		}
		if _, err := c.WriteTo(buffer[:n], from); err != nil {
			continue // the sender sees that nothing comes
		}
	}
}

type echoServer struct {
	w             *World
	greet         bool
	running       sync.WaitGroup
	served, bytes atomic.Int64

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
	idle   chan struct{} // closed when open is empty; made by drain
}

func (e *echoServer) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			_ = c.Close() // too late
			return
		}
		e.open[c] = struct{}{}
		e.running.Add(1)
		e.mu.Unlock()
		go e.serve(c)
	}
}

func (e *echoServer) serve(c net.Conn) {
	defer e.running.Done()
	e.served.Add(1)
	fmt.Fprintf(e.w.Stdout, "connection from %s\n", c.RemoteAddr())
	if e.greet {
		_, _ = fmt.Fprintf(c, "%s (%s) answers %s\n", e.w.Hostname, c.LocalAddr(), c.RemoteAddr()) // io.Copy sees the error
	}
	n, err := io.Copy(c, c)
	e.bytes.Add(n)
	end := "closed"
	if err != nil {
		end = "lost: " + errorText(err)
	}
	fmt.Fprintf(e.w.Stdout, "connection from %s %s after %d bytes\n", c.RemoteAddr(), end, n)
	_ = c.Close() // all has been said
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.open, c)
	if len(e.open) == 0 && e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
}

func (e *echoServer) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.open)
}

// drain waits until no connection is open, d at most.
func (e *echoServer) drain(ctx context.Context, d time.Duration) {
	e.mu.Lock()
	idle := make(chan struct{})
	if len(e.open) == 0 {
		e.mu.Unlock()
		return
	}
	e.idle = idle
	e.mu.Unlock()
	timer := e.w.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C():
	case <-ctx.Done():
	}
}

func (e *echoServer) closeAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for c := range e.open {
		_ = c.Close() // who reads from it sees it
	}
}
