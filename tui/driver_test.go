package tui_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/internal/scene"
)

var update = flag.Bool("update", false, "write the golden files anew")

// driver drives the interface the way a program does, one message at a time. It runs inside a synctest bubble, whose
// clock stands still while anything runs; that is what makes "idle" exact.
type driver struct {
	t     *testing.T
	ctx   context.Context // of the program
	model tea.Model
	lab   *scene.Lab // nil in a replay
	quit  bool
	// clipboard is what was put there last.
	clipboard string

	mu    sync.Mutex
	queue []tea.Msg
	seen  int // messages since the last idle
}

// drive runs test on an interface of the given size over a lab that has not started.
func drive(t *testing.T, w, h int, edit func(*tui.Options), test func(d *driver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		lab := scene.New()
		o := tui.Options{Lab: lab, Actions: tui.Actions{Kubectl: lab.Kubectl}, Lang: "en"}
		if edit != nil {
			edit(&o)
		}
		d := &driver{t: t, ctx: ctx, lab: lab, model: tui.New(ctx, o)}
		d.run(d.model.Init())
		d.send(tea.WindowSizeMsg{Width: w, Height: h})
		d.idle()
		test(d)
	})
}

func replay(o *tui.Options) { o.Lab, o.Recording = nil, scene.Recording() }

func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		msg := cmd()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.queue = append(d.queue, msg)
	}()
}

func (d *driver) send(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
		return
	case tea.BatchMsg:
		for _, cmd := range msg {
			d.run(cmd)
		}
		return
	case tea.QuitMsg:
		d.quit = true
		return
	}
	if fmt.Sprintf("%T", msg) == "tea.setClipboardMsg" {
		d.clipboard = fmt.Sprint(msg)
		return
	}
	d.seen++
	var cmd tea.Cmd
	d.model, cmd = d.model.Update(msg)
	d.run(cmd)
	d.model.View()
}

// idle delivers messages until nothing is under way but waiting for the lab.
func (d *driver) idle() {
	d.seen = 0
	for quiet := 0; quiet < 2; quiet++ {
		time.Sleep(50 * time.Millisecond) // of the bubble's clock: lets the pause between two batches pass
		if d.deliver() {
			quiet = -1
		}
	}
}

// deliver delivers the messages that are there, and reports whether there were any.
func (d *driver) deliver() bool {
	synctest.Wait()
	d.mu.Lock()
	queue := d.queue
	d.queue = nil
	d.mu.Unlock()
	for _, msg := range queue {
		d.send(msg)
	}
	return len(queue) > 0
}

// press presses keys, one after the other: "n", "tab", "ctrl+c", "enter".
func (d *driver) press(keys ...string) {
	d.t.Helper()
	for _, k := range keys {
		d.send(keyPress(k))
		d.idle()
	}
}

func keyPress(k string) tea.KeyPressMsg {
	special := map[string]tea.Key{
		"tab": {Code: tea.KeyTab}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift}, "enter": {Code: tea.KeyEnter},
		"esc": {Code: tea.KeyEscape}, "backspace": {Code: tea.KeyBackspace}, "down": {Code: tea.KeyDown}, "up": {Code: tea.KeyUp},
		"ctrl+u": {Code: 'u', Mod: tea.ModCtrl}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight},
		"ctrl+d": {Code: 'd', Mod: tea.ModCtrl}, "space": {Code: tea.KeySpace, Text: " "}, "pgdown": {Code: tea.KeyPgDown}, "end": {Code: tea.KeyEnd}, "ctrl+c": {Code: 'c', Mod: tea.ModCtrl},
	}
	if key, ok := special[k]; ok {
		return tea.KeyPressMsg(key)
	}
	return tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
}

// write types text.
func (d *driver) write(s string) {
	for _, r := range s {
		d.press(string(r))
	}
}

// start brings the lab up.
func (d *driver) start() {
	for range d.lab.Status().Phases {
		d.lab.PhaseDone(1200 * time.Millisecond)
	}
	d.idle()
}

// create pauses the lab, at the level of calls, and runs kubectl against it as another terminal would.
func (d *driver) create() {
	d.t.Helper()
	for _, verb := range []engine.Verb{engine.Pause, engine.StepIn} {
		if _, err := d.lab.Do(d.ctx, engine.Command{Verb: verb}); err != nil {
			d.t.Fatal(err)
		}
	}
	go d.lab.Kubectl(d.ctx, []string{"create", "deployment", "web"}) //nolint:errcheck // it ends with the test
	d.idle()
}

// stepTo creates the Deployment and steps until something with these words waits at the gate.
func (d *driver) stepTo(words string) {
	d.t.Helper()
	d.create()
	for range 40 {
		if strings.Contains(d.waiting(), words) {
			return
		}
		d.press("n")
	}
	d.t.Fatalf("nothing with %q came to the gate:\n%s", words, d.screen())
}

// waiting says what waits at the gate: "2 waiting: deployment-controller update status, ...".
func (d *driver) waiting() string {
	held := d.lab.State().Held
	s := fmt.Sprintf("%d waiting:", len(held))
	for i := range held {
		s += strings.Join([]string{" " + held[i].Event.Actor, held[i].Event.Verb, held[i].Event.Object.Kind, held[i].Event.Subresource}, " ") + ","
	}
	return s
}

// screen returns what is on the screen, without styles.
func (d *driver) screen() string { return ansi.Strip(d.model.View().Content) }

// line returns one line of the screen; negative numbers count from the last.
func (d *driver) line(n int) string {
	lines := strings.Split(d.screen(), "\n")
	if n < 0 {
		n += len(lines)
	}
	return lines[n]
}

func (d *driver) sees(words ...string) {
	d.t.Helper()
	for _, w := range words {
		if !strings.Contains(d.screen(), w) {
			d.t.Fatalf("%q is not on the screen:\n%s", w, d.screen())
		}
	}
}

// until presses a key until the screen has the words.
func (d *driver) until(key, words string) {
	d.t.Helper()
	for range 60 {
		if strings.Contains(d.screen(), words) {
			return
		}
		d.press(key)
	}
	d.t.Fatalf("60 times %s did not bring %q to the screen:\n%s", key, words, d.screen())
}

func (d *driver) misses(words ...string) {
	d.t.Helper()
	for _, w := range words {
		if strings.Contains(d.screen(), w) {
			d.t.Fatalf("%q is on the screen:\n%s", w, d.screen())
		}
	}
}

// keys checks which keys the key bar offers, by their words.
func (d *driver) keys(offered []string, not []string) {
	d.t.Helper()
	bar := d.line(-1)
	for _, k := range offered {
		if !strings.Contains(bar, k) {
			d.t.Errorf("the key bar does not offer %q: %s", k, bar)
		}
	}
	for _, k := range not {
		if strings.Contains(bar, k) {
			d.t.Errorf("the key bar offers %q: %s", k, bar)
		}
	}
}

// golden compares the screen with testdata/golden/NAME.txt.
func (d *driver) golden(name string) {
	d.t.Helper()
	file := filepath.Join("testdata", "golden", name+".txt")
	got := d.screen() + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatalf("%v; `go test ./tui -update` writes it", err)
	}
	if got != string(want) {
		d.t.Errorf("the view differs from %s; look at it and run `go test ./tui -update` if it is right:\n%s", file, got)
	}
}

// fits checks that the screen is exactly as large as the terminal.
func (d *driver) fits(w, h int) {
	d.t.Helper()
	lines := strings.Split(d.model.View().Content, "\n")
	if len(lines) != h {
		d.t.Errorf("%dx%d: %d lines", w, h, len(lines))
	}
	for i, line := range lines {
		if n := ansi.StringWidth(line); n != w {
			d.t.Errorf("%dx%d: line %d is %d wide: %q", w, h, i, n, ansi.Strip(line))
		}
	}
}
