package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/host"
	"github.com/kubestep/kubestep/engine/kubectl"
	"github.com/kubestep/kubestep/tui"
	uihost "github.com/kubestep/kubestep/tui/host"
)

// machine is what the screens may ask of the machine. Its Close ends what they have not ended.
type machine struct {
	app    *app
	output *host.Output
	// lent is set while another program has the terminal: an interrupt typed there is that program's.
	lent atomic.Bool
}

func (a *app) newMachine() *machine {
	return &machine{app: a, output: &host.Output{File: os.Stdout}}
}

// offer gives o what works without a lab: files, recordings and asciicasts. With a file's name an asciicast begins at once.
func (m *machine) offer(o *tui.Options, asciicast string) error {
	o.Output = m.output
	o.Host.Recordings = func(context.Context) ([]uihost.Recording, error) { return host.Recordings(m.app.dirs.Data, ".ks") }
	o.Host.Replay = m.replay
	o.Host.Keep = func(name string, write func(io.Writer) error) (string, error) {
		return host.Keep(m.app.dirs.Data, name, write)
	}
	path := asciicast
	o.Host.Cast = func(on bool) (string, error) {
		if !on {
			return path, m.output.End()
		}
		name := "casts/kubestep" + time.Now().Format("-20060102-150405") + ".cast"
		var err error
		// Keep closes its file at the end; a cast goes on.
		if path, err = host.Keep(m.app.dirs.Data, name, func(io.Writer) error { return nil }); err != nil {
			return "", err
		}
		return path, m.cast(path)
	}
	if asciicast == "" {
		return nil
	}
	o.Host.Casting = true
	if err := m.cast(asciicast); err != nil {
		return fmt.Errorf("--asciicast: %w", err)
	}
	return nil
}

func (m *machine) cast(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return m.output.Begin(file, os.Getenv("TERM"))
}

// offerLab gives o, besides, what works with a lab: the reader's shell and editor, completion and history. dir is where
// the shell and kubectl run, "" for where the program does. ctx ends what still runs.
func (m *machine) offerLab(ctx context.Context, o *tui.Options, lab *running, dir func() string) {
	terminal := host.Terminal{In: os.Stdin, Out: os.Stdout, Err: m.app.terminal}
	kubeconfig := func() string { return lab.Status().Kubeconfig }
	lend := func(run func() error) error {
		m.lent.Store(true)
		defer m.lent.Store(false)
		return run()
	}
	o.Host.Shell = func(hint string) error {
		path, err := host.ShellPath(os.LookupEnv)
		if err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program's own file: %w", err)
		}
		bin, err := host.Shim(lab.dir, self)
		if err != nil {
			return err
		}
		environ := host.ShellEnviron(os.Environ(), kubeconfig(), bin, kubectl.KubeconfigEnv+"="+kubeconfig())
		return lend(func() error { return host.RunShell(ctx, terminal, path, dir(), hint, environ) })
	}
	o.Host.Edit = func(file string) error {
		editor, _, err := host.Editor(os.LookupEnv)
		if err != nil {
			return err
		}
		return lend(func() error { return host.RunEditor(ctx, terminal, editor, file, os.Environ()) })
	}
	o.Host.Complete = func(ctx context.Context, words []string) (uihost.Completion, error) {
		return completeKubectl(ctx, kubeconfig(), dir(), words)
	}
	history := host.OpenHistory(m.app.dirs.State)
	o.Host.Remember = history.Add
	o.Host.History, _ = history.Lines() // without it there is only less to go back to
}

// replay opens a recording in a program of its own, on this one's terminal: a program shows one lab.
func (m *machine) replay(path, lang string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's own file: %w", err)
	}
	cmd := exec.Command(self, "replay", path, "--lang", lang) //nolint:gosec // the file is the reader's own
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, m.app.terminal
	m.lent.Store(true)
	defer m.lent.Store(false)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("replay %s: %w", path, err)
	}
	return nil
}

// Close ends an asciicast that still runs.
func (m *machine) Close() error { return m.output.End() }

// completeKubectl asks kubectl itself how the last of words could go on; names of files are those in dir.
func completeKubectl(ctx context.Context, kubeconfig, dir string, words []string) (uihost.Completion, error) {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	var out bytes.Buffer
	cmd, err := kubectl.Command(ctx, kubectl.Call{
		Args: append([]string{"__complete"}, words...), Kubeconfig: kubeconfig, Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: io.Discard,
	})
	if err != nil {
		return uihost.Completion{}, err
	}
	err = cmd.Run()
	if ctx.Err() != nil {
		return uihost.Completion{}, errors.New("the lab does not answer what could come next")
	}
	if err != nil {
		return uihost.Completion{}, nil //nolint:nilerr // kubectl has no idea, which is an answer
	}
	return host.Completion(out.String(), dir, words[len(words)-1]), nil
}

// completeWithin bounds how long completion may take: a stage that is held can keep a read waiting.
const completeWithin = 4 * time.Second

// asKubectl returns the command line of a process that was started by the name of kubectl, as the one in the folder that
// the reader's shell gets is.
func asKubectl(args []string) []string {
	if filepath.Base(args[0]) == "kubectl" {
		return append([]string{"kubectl"}, args[1:]...)
	}
	return args[1:]
}
