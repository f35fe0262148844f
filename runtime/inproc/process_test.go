package inproc

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"github.com/kubestep/kubestep/runtime/program"
)

// TestDeadProcessKeepsNothing kills a program that closes nothing and does not even return.
func TestDeadProcessKeepsNothing(t *testing.T) {
	ns := newNamespace([]netip.Addr{netip.MustParseAddr("10.0.0.2")}, "pod")
	listening, release := make(chan struct{}), make(chan struct{})
	late := make(chan error, 2)
	careless := func(ctx context.Context, w *program.World) int {
		if _, err := w.Network.Listen(ctx, "tcp", ":80"); err != nil {
			t.Error(err)
		}
		close(listening)
		<-release
		_, err := w.Network.Listen(t.Context(), "tcp", ":81")
		late <- err
		_, err = w.Stdout.Write([]byte("still here"))
		late <- err
		return 0
	}
	var table processTable
	var wg sync.WaitGroup
	p := table.start(t.Context(), &wg, careless,
		&program.World{Args: []string{"careless"}, Network: ns, Stdout: io.Discard, Stderr: io.Discard}, func(*process) {})
	<-listening
	p.signal(program.SIGKILL)
	<-p.done
	if p.code != 137 || len(table.List()) != 0 {
		t.Errorf("exit code %d, processes %v; want 137 and none", p.code, table.List())
	}
	if _, err := ns.Dial(t.Context(), "tcp", "10.0.0.2:80"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial to a dead process: %v, want connection refused", err)
	}
	close(release)
	if err := <-late; !errors.Is(err, net.ErrClosed) {
		t.Errorf("listen of a dead process: %v", err)
	}
	if err := <-late; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write of a dead process: %v", err)
	}
	wg.Wait()
	if _, err := ns.Dial(t.Context(), "tcp", "10.0.0.3:80"); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("dial elsewhere: %v, want network is unreachable", err)
	}
}

func TestLocalNetworksReuseAddressesLate(t *testing.T) {
	n := NewLocalNetworks()
	if err := n.SetPodCIDR(netip.MustParsePrefix("10.1.0.0/29")); err != nil { // .2 to .6
		t.Fatal(err)
	}
	add := func(id string) (string, error) {
		ns, err := n.Add(t.Context(), SandboxNetwork{ID: id})
		if err != nil {
			return "", err
		}
		return ns.Addresses()[0].String(), nil
	}
	for i, want := range []string{"10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6"} {
		if got, err := add(want); got != want || err != nil {
			t.Fatalf("address %d is %s, %v; want %s", i, got, err, want)
		}
	}
	if got, err := add("full"); err == nil {
		t.Errorf("a full range gave %s", got)
	}
	if err := n.Remove(t.Context(), "10.1.0.4"); err != nil {
		t.Fatal(err)
	}
	if got, err := add("again"); got != "10.1.0.4" {
		t.Errorf("the only free address is %s, %v", got, err)
	}
}
