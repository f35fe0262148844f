package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/screen/lab"
)

// terminal collects what is written to the terminal and says when the screen is up.
type terminal struct {
	mu  sync.Mutex
	out bytes.Buffer
	up  chan struct{}
}

const (
	enterScreen = "\x1b[?1049h"
	leaveScreen = "\x1b[?1049l"
)

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := strings.Contains(t.out.String(), enterScreen)
	n, err := t.out.Write(p)
	if !before && strings.Contains(t.out.String(), enterScreen) {
		close(t.up)
	}
	return n, err
}

// brittle is a screen that breaks when told to.
type brittle struct {
	screen
	inUpdate, inView bool
}

func (b *brittle) Key(tea.KeyPressMsg) tea.Cmd {
	if b.inUpdate {
		panic("broken in Update")
	}
	b.inView = true
	return nil
}

func (b *brittle) View() []string {
	if b.inView {
		panic("broken in View")
	}
	return b.screen.View()
}

// show runs the interface on a terminal, does something once the screen is up, and returns what the terminal and the log
// got, and Run's error.
func show(t *testing.T, inUpdate, breaks bool, act func(keys io.Writer, cancel func())) (output, log string, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, keys := io.Pipe()
	term := &terminal{up: make(chan struct{})}
	var logged bytes.Buffer
	o := Options{Recording: scene.Recording(), Input: in, Output: term, Log: slog.New(slog.NewTextHandler(&logged, nil))}
	m := New(ctx, o)
	m.abort = cancel
	if breaks {
		m.screens[lab.Address] = &brittle{screen: m.screens[lab.Address], inUpdate: inUpdate}
	}
	m.resize(80, 24)
	go func() {
		<-term.up
		act(keys, cancel)
	}()
	err = m.run(ctx, o)
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.out.String(), logged.String(), err
}

func press(key string) func(io.Writer, func()) {
	return func(keys io.Writer, _ func()) { io.WriteString(keys, key) }
}

func TestTerminalIsRestored(t *testing.T) {
	tests := []struct {
		name             string
		breaks, inUpdate bool
		act              func(io.Writer, func())
		check            func(error) bool
	}{
		{"quit", false, false, press("q"), func(err error) bool { return err == nil }},
		{"ctrl+c", false, false, press("\x03"), func(err error) bool { return err == nil }},
		{"end of the context", false, false, func(_ io.Writer, cancel func()) { cancel() },
			func(err error) bool { return errors.Is(err, context.Canceled) }},
		{"panic in Update", true, true, press("x"), func(err error) bool { return err != nil && strings.Contains(err.Error(), "broken in Update") }},
		{"panic in View", true, false, press("x"), func(err error) bool { return err != nil && strings.Contains(err.Error(), "broken in View") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, log, err := show(t, tt.inUpdate, tt.breaks, tt.act)
			if !tt.check(err) {
				t.Errorf("Run returned %v", err)
			}
			if strings.LastIndex(out, leaveScreen) < strings.LastIndex(out, enterScreen) {
				t.Errorf("the terminal was left in the other screen: %q", out)
			}
			if strings.Contains(out, "goroutine") || tt.breaks && !strings.Contains(log, "stack=") {
				t.Errorf("a stack belongs into the log and not on the terminal; log: %q", log)
			}
		})
	}
}
