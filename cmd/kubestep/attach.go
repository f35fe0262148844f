package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/attach"
)

// errNoLab says how to get a lab.
var errNoLab = fmt.Errorf("%w; start one in another terminal with `kubestep up`, or open `kubestep`", engine.ErrNoLab)

// register offers the lab to the user's other terminals until it is closed.
func (a *app) register(ctx context.Context, r *running) error {
	server, err := attach.Listen(filepath.Join(r.dir, attach.Socket))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, r.Lab) }()
	r.finish = append(r.finish, func() error {
		cancel()
		return <-ended
	})
	return nil
}

// connection is a lab in another process.
type connection struct {
	*attach.Client
	cancel context.CancelFunc
	ended  chan error
}

// dial returns the lab that was started last and still runs, for single questions: its events, status and debugger state
// are not followed. The error is an [engine.ErrNoLab] when there is none.
func (a *app) dial(ctx context.Context) (*attach.Client, error) {
	labs, err := attach.Find(ctx, a.dirs.Run)
	if err != nil {
		return nil, fmt.Errorf("look for a running lab: %w", err)
	}
	if len(labs) == 0 {
		return nil, errNoLab
	}
	return attach.Dial(ctx, labs[0].Path)
}

// connect returns the lab that was started last and still runs, as [app.dial] does, and follows it.
func (a *app) connect(ctx context.Context) (*connection, error) {
	client, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &connection{Client: client, cancel: cancel, ended: make(chan error, 1)}
	go func() { c.ended <- client.Run(ctx) }()
	return c, nil
}

// Close lets go of the lab, which runs on. The error is why the lab ended meanwhile.
func (c *connection) Close() error {
	c.cancel()
	return <-c.ended
}
