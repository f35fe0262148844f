package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interruptible returns a context that ends at the first SIGINT, SIGTERM or SIGHUP. The second one ends the process at
// once; what it leaves behind, the next lab removes. stop gives the signals their usual meaning back.
func interruptible(parent context.Context) (ctx context.Context, stop func()) {
	return interruptibleUnless(parent, func() bool { return false })
}

// interruptibleUnless is as interruptible, but a SIGINT counts only while spare does not say that it is meant for another
// program.
func interruptibleUnless(parent context.Context, spare func() bool) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	stopped := make(chan struct{})
	go func() {
		for first := true; ; {
			select {
			case s := <-signals:
				if s == syscall.SIGINT && spare() {
					continue
				}
				if !first {
					os.Exit(exitFailed)
				}
				first = false
				cancel()
			case <-stopped:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(stopped)
		cancel()
	}
}
