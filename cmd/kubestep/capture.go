package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/runtime/network"
)

// capture writes the packets among events to a file that Wireshark and tcpdump open: each as it crosses an interface, and
// where it is dropped. What a node does with a packet in between, such as routing, would show it again at the same
// interface.
func capture(name string, events []trace.Event) (err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("capture packets: %w", err)
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			err = fmt.Errorf("capture packets to %s: %w", name, err)
		}
	}()
	c, err := network.NewCapture(file)
	if err != nil {
		return err
	}
	for i := range events {
		h, ok := events[i].Detail.(*trace.HopDetail)
		if !ok || !crosses(h) {
			continue
		}
		if err := c.Write(events[i].Time, h); err != nil {
			return err
		}
	}
	return nil
}

// crosses reports whether the hop is a frame at an interface, or the end of a packet.
func crosses(h *trace.HopDetail) bool {
	switch h.Point {
	case network.PointVeth, network.PointBridge, network.PointWire, network.PointDecap:
		return h.Data.Headers().Ethernet != nil || h.Verdict == network.Dropped
	case network.PointLocal:
		return h.Namespace != "" || h.Verdict == network.Dropped // over loopback
	}
	return h.Verdict == network.Dropped
}
