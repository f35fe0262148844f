package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// serveAPI carries connections from inside the lab's network to the API server, until ctx ends. TLS goes through it
// untouched.
func (n *Network) serveAPI(ctx context.Context) error {
	address := net.JoinHostPort("", strconv.Itoa(int(n.config.APIServer.Port())))
	l, err := n.control.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for the API server in the lab's network: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var carried sync.WaitGroup
	defer carried.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept connections to the API server: %w", err)
		}
		carried.Go(func() {
			if err := n.carry(ctx, c); err != nil {
				n.config.Log.Warn("carry a connection to the API server", "from", c.RemoteAddr(), "error", err)
			}
		})
	}
}

func (n *Network) carry(ctx context.Context, client net.Conn) error {
	server, err := n.config.DialAPIServer(ctx)
	if err != nil {
		return errors.Join(err, client.Close())
	}
	stop := context.AfterFunc(ctx, func() { // unblocks both copies
		_ = client.Close()
		_ = server.Close()
	})
	defer stop()
	up := make(chan struct{})
	go func() {
		defer close(up)
		pipe(server, client)
	}()
	pipe(client, server)
	<-up
	_ = client.Close()
	_ = server.Close()
	return nil
}

// pipe copies until from ends, and tells to that nothing more comes. Errors are the connections' own: both peers see them.
func pipe(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok {
		_ = to.Close()
		_ = from.Close()
		return
	}
	_ = half.CloseWrite()
}
