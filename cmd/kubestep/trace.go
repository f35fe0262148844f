package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/prompt"
	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/kubectl"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/export/tree"
)

// settled is for how long nothing must happen before a trace ends: kubelets look at their containers once a second.
const settled = 1500 * time.Millisecond

// traceOptions are the flags of `kubestep trace`.
type traceOptions struct {
	lab        labFlags
	json       bool
	all        bool
	background bool
	breaks     []string
	follow     []string
	out        string
	pcap       string
	kubectl    []string
}

func (a *app) traceCommand() *cobra.Command {
	var o traceOptions
	cmd := &cobra.Command{
		Use:   "trace [flags] -- KUBECTL-ARGS...",
		Short: "Run kubectl and show everything that it causes",
		Long: `Run kubectl and show everything that it causes, until the lab has settled.

It uses the running lab, or makes one for the time being. What kubectl itself prints goes to stderr.

The packets of what kubectl exec runs are followed through the network, there and back: what opens a connection in a Pod,
which queries and which Service rule it meets on its way. With --pcap they are also written to a file.

With --break the lab stops at what matches, and commands are read from the terminal (? lists them). A pattern is words
that must all fit: who acts (kube-scheduler, kubelet@*, *-controller), the edge (api.request, watch.deliver, cri.call, net.hop),
what is done (create, bind, StartContainer, veth), to what (pods, pods/binding, pod/default/web-*). While a packet is
held, the network's time stands still.`,
		Example: `  kubestep trace -- create deployment web --image=kubestep.dev/web:v1 --replicas=3
  kubestep trace --break 'kube-scheduler create pods/binding' -- run web --image=kubestep.dev/web:v1
  kubestep trace --pcap web.pcapng -- exec client -- wget -qO- http://web
  kubestep trace --break 'net.hop veth tcp=S' -- exec client -- wget -qO- http://web
  kubestep trace --json -- delete pod web | jq -c '[.seq, .cause, .actor, .verb]'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || cmd.ArgsLenAtDash() > 0 {
				return usage(cmd, errors.New("what kubectl is to do comes after --"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.kubectl = args
			return a.trace(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	o.lab.add(flags)
	flags.BoolVar(&o.json, "json", false, "print one JSON object for each event")
	flags.BoolVar(&o.all, "all", false, "print every event of the tree: reads, Event objects, stages of requests, commits and deliveries too")
	flags.BoolVar(&o.background, "background", false, "print also what this command did not cause")
	flags.StringArrayVar(&o.breaks, "break", nil, "hold what matches this `PATTERN`; may be given several times")
	flags.StringArrayVar(&o.follow, "follow", nil, "show also all packets and DNS queries of this `POD`, NAME or NAMESPACE/NAME; may be given several times")
	flags.StringVar(&o.pcap, "pcap", "", "write the packets to this `FILE`, for Wireshark or tcpdump -r")
	flags.StringVar(&o.out, "out", "", "write a recording to this `FILE`, for kubestep replay")
	return cmd
}

func (a *app) trace(parent context.Context, o traceOptions, out io.Writer) (err error) {
	ctx, stop := interruptible(parent)
	defer stop()
	l, closeLab, err := a.findOrStart(ctx, o.lab)
	if err != nil {
		return err
	}
	defer func() {
		if e := closeLab(); err == nil {
			err = e
		}
	}()
	t := &tracing{traceOptions: o, lab: l, terminal: a.terminal, run: "trace-" + rand.Text(), from: l.Events().Since(math.MaxUint64).Next, began: time.Now()}
	if err := t.setBreakpoints(ctx); err != nil {
		return err
	}
	if err := t.startFollowing(ctx); err != nil {
		return err
	}
	ran := t.runKubectl(ctx, out)
	t.removeBreakpoints(context.WithoutCancel(ctx))
	t.stopFollowing(context.WithoutCancel(ctx))
	t.tellLost()
	if err := t.print(out); err != nil {
		return err
	}
	if o.pcap != "" {
		if err := capture(o.pcap, t.events()); err != nil {
			return err
		}
	}
	if o.out != "" {
		if err := t.record(ctx); err != nil {
			return err
		}
	}
	return ran
}

// findOrStart returns the running lab, or a new one, when it is ready.
func (a *app) findOrStart(ctx context.Context, f labFlags) (engine.Lab, func() error, error) {
	found, err := a.connect(ctx)
	if err == nil {
		_, err := ready(ctx, found, nil)
		return found, found.Close, err
	}
	if !errors.Is(err, engine.ErrNoLab) {
		return nil, nil, err
	}
	made, err := a.newLab(f)
	if err != nil {
		return nil, nil, err
	}
	if err = a.register(ctx, made); err == nil {
		made.start(context.WithoutCancel(ctx))
		_, err = ready(ctx, made, nil)
	}
	if err != nil {
		return nil, nil, errors.Join(err, made.Close())
	}
	return made, made.Close, nil
}

// tracing is one run of kubectl under observation.
type tracing struct {
	traceOptions
	lab      engine.Lab
	terminal *os.File
	run      string       // begins the audit IDs of kubectl's requests
	from     trace.Cursor // the store's end when it began
	began    time.Time
	first    uint64 // the first event that is left of what came then, when some are gone
}

// mine reports whether e is a request of this run of kubectl, or what a followed Pod does by itself.
func (t *tracing) mine(e *trace.Event) bool {
	if (e.Cause == 0 || e.Cause < t.first) && (e.Kind == trace.NetHop || e.Kind == trace.DNSQuery) && e.Object.Kind == "Pod" {
		return slices.Contains(t.follow, e.Object.Namespace+"/"+e.Object.Name)
	}
	d, ok := e.Detail.(*trace.RequestDetail)
	return ok && strings.HasPrefix(d.AuditID, t.run)
}

func (t *tracing) setBreakpoints(ctx context.Context) error {
	for _, pattern := range t.breaks {
		if _, err := t.lab.Debugger().Do(ctx, engine.Command{Verb: engine.Break, Pattern: pattern}); err != nil {
			return fmt.Errorf("--break %q: %w", pattern, err)
		}
	}
	return nil
}

func (t *tracing) removeBreakpoints(ctx context.Context) {
	for _, pattern := range t.breaks {
		// The reader may have removed it.
		_, _ = t.lab.Debugger().Do(ctx, engine.Command{Verb: engine.Unbreak, Pattern: pattern})
	}
}

func (t *tracing) startFollowing(ctx context.Context) error {
	for i, pod := range t.follow {
		if !strings.Contains(pod, "/") {
			pod = "default/" + pod
			t.follow[i] = pod
		}
		if _, err := t.lab.Debugger().Do(ctx, engine.Command{Verb: engine.Follow, Pattern: "pod/" + pod}); err != nil {
			return fmt.Errorf("--follow %q: %w", pod, err)
		}
	}
	return nil
}

func (t *tracing) stopFollowing(ctx context.Context) {
	for _, pod := range t.follow {
		// The lab may be gone.
		_, _ = t.lab.Debugger().Do(ctx, engine.Command{Verb: engine.Unfollow, Pattern: "pod/" + pod})
	}
}

// runKubectl runs kubectl and returns when the lab has settled after it. The error is kubectl's.
func (t *tracing) runKubectl(ctx context.Context, out io.Writer) error {
	call := kubectl.Call{
		Args: t.kubectl, Kubeconfig: t.lab.Status().Kubeconfig, Run: t.run, Stdin: os.Stdin, Stdout: t.terminal, Stderr: t.terminal,
	}
	p := prompt.Options{
		Debugger: t.lab.Debugger(), Events: t.lab.Events(), From: t.from, Root: t.mine, Quiet: settled, Out: t.terminal,
	}
	if len(t.breaks) > 0 {
		call.Stdin, p.In = nil, os.Stdin // the terminal is the debugger's
	}
	cmd, err := kubectl.Command(ctx, call)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start kubectl: %w", err)
	}
	done, ended := make(chan struct{}), error(nil)
	go func() {
		defer close(done)
		ended = cmd.Wait()
	}()
	p.Done = done
	asked := prompt.Run(ctx, p)
	if errors.Is(asked, prompt.ErrQuit) {
		asked = nil
	}
	<-done
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: this is what had happened until then")
	case errors.As(ended, &failed):
		return errTold // kubectl has said why
	case ended != nil:
		return fmt.Errorf("run kubectl: %w", ended)
	}
	return asked
}

// tellLost says when there was more to see than a lab keeps.
func (t *tracing) tellLost() {
	first, _ := t.lab.Events().Len()
	// A lab has events from before, so when the oldest one is from later, they and some of ours are gone.
	if e, ok := t.lab.Events().Get(first); !ok || !e.Time.After(t.began) {
		return
	}
	t.first = first
	_, _ = fmt.Fprintln(t.terminal, "The first events of this trace are gone, as a lab keeps only so many, and what hangs on them is not shown: follow less, or for a shorter time.")
}

// events returns what this run caused, or all that happened since it began.
func (t *tracing) events() []trace.Event {
	all := t.lab.Events().Since(t.from).Events
	var out []trace.Event
	if t.background {
		for _, e := range all {
			if !e.Time.Before(t.began) { // a running lab's past may still have been on its way
				out = append(out, e)
			}
		}
		return out
	}
	for _, e := range trace.Caused(all, t.mine) {
		if !e.Background {
			out = append(out, e)
		}
	}
	return out
}

func (t *tracing) print(out io.Writer) error {
	events := t.events()
	if !t.json {
		return tree.Write(out, events, tree.Options{All: t.all})
	}
	for i := range events {
		if err := writeJSON(out, &events[i]); err != nil {
			return err
		}
	}
	return nil
}

// record writes all that the lab's store has.
func (t *tracing) record(ctx context.Context) error {
	file, err := os.OpenFile(t.out, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	defer file.Close()
	now, cancel := context.WithCancel(ctx)
	cancel() // what is there, and no more
	s := t.lab.Status()
	err = trace.Record(now, file, trace.Header{
		Created: time.Now().UTC(), Kubernetes: s.Version, Nodes: s.Nodes, Seed: s.Seed, Command: append([]string{"kubectl"}, t.kubectl...),
	}, t.lab.Events())
	if err != nil {
		return fmt.Errorf("record to %s: %w", t.out, err)
	}
	return file.Close()
}
