package tui_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/internal/scene"
)

func TestContinueAndPause(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.create()
		d.keys([]string{"c continue"}, []string{"p pause"})
		d.press("c")
		d.sees("running")
		d.keys([]string{"p pause"}, []string{"c continue", "n step"})
		d.press("p")
		d.sees("paused")
	})
}

func TestChoosesWhatWaits(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.stepTo("2 waiting")
		d.keys([]string{"m choose"}, nil)
		d.press("m", "down", "m")
		if got := d.lab.State().Held; len(got) != 1 || got[0].Event.Actor != "deployment-controller" {
			t.Errorf("held: %v", got)
		}
	})
}

func TestReplaysARecordingFromAFile(t *testing.T) {
	var file bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the store is complete
	if err := trace.Record(ctx, &file, trace.Header{Kubernetes: "v1.36.3"}, scene.Recording()); err != nil {
		t.Fatal(err)
	}
	_, store, err := trace.ReadRecording(&file)
	if err != nil {
		t.Fatal(err)
	}
	var direct, read string
	drive(t, 120, 40, replay, func(d *driver) { d.press("2"); direct = d.screen() })
	drive(t, 120, 40, func(o *tui.Options) { o.Lab, o.Recording = nil, store }, func(d *driver) { d.press("2"); read = d.screen() })
	if direct != read {
		t.Errorf("from the store:\n%s\nfrom the file:\n%s", direct, read)
	}
}

func TestFilterTypesLettersThatAreKeys(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("2", "/")
		d.write("qL?n")
		if d.quit {
			t.Fatal("a letter in the filter left the program")
		}
		d.sees("qL?n")
	})
}

func TestLanguageSwitchesLive(t *testing.T) {
	drive(t, 120, 40, learner, func(d *driver) {
		d.press("L")
		d.sees("课程", "继续：Pod 如何结束", "退出")
		d.misses("Lessons")
		d.start()
		d.press("?", "L")
		d.sees("Keys", "leave; the lab stops")
	})
}

func TestHelpListsEveryKey(t *testing.T) {
	drive(t, 120, 60, nil, func(d *driver) {
		d.press("?")
		d.sees("one level coarser", "the upstream call stack", "follow what comes", "(n)")
		d.press("end")
		d.sees("The mouse works too")
		d.press("n", "q")
		if d.quit {
			t.Error("q left the program instead of the help")
		}
		d.misses("one level coarser")
	})
}

func TestQuits(t *testing.T) {
	for _, edit := range []func(*tui.Options){replay, learner} {
		for _, keys := range [][]string{{"q"}, {"ctrl+c"}, {"?", "ctrl+c"}, {"/", "x", "ctrl+c"}} {
			t.Run(strings.Join(keys, " "), func(t *testing.T) {
				drive(t, 80, 24, edit, func(d *driver) {
					d.press(keys...)
					if !d.quit {
						t.Error("the program runs on")
					}
				})
			})
		}
	}
}

func TestLabThatDies(t *testing.T) {
	drive(t, 120, 40, learner, func(d *driver) {
		d.lab.PhaseDone(time.Millisecond)
		d.lab.Fail("etcd: no space left on device")
		d.idle()
		d.sees("the lab has failed", "The lab could not go on", "no space left on device", "kubestep doctor")
		d.press("f")
		d.sees("stopped", "no space left on device")
		d.keys([]string{"q lessons"}, []string{"n step", "$ kubectl"})
	})
}

// brokenDebugger panics in another goroutine than the screen's.
type brokenDebugger struct{ *scene.Lab }

func (b brokenDebugger) Debugger() engine.Debugger { return b }
func (b brokenDebugger) Do(context.Context, engine.Command) (engine.DebugState, error) {
	panic("nil pointer somewhere")
}

func TestPanicInACommandIsAMessage(t *testing.T) {
	broken := func(o *tui.Options) { o.Lab = brokenDebugger{o.Lab.(*scene.Lab)} }
	drive(t, 120, 40, broken, func(d *driver) {
		d.start()
		d.press("p")
		d.sees("panic: nil pointer somewhere")
		d.keys([]string{"p pause"}, nil)
	})
}

func TestIdleMeansIdle(t *testing.T) {
	for _, edit := range []func(*tui.Options){nil, learner} {
		drive(t, 120, 40, edit, func(d *driver) {
			d.start()
			d.create()
			time.Sleep(time.Hour) // of the bubble's clock
			d.idle()
			if d.seen != 0 {
				t.Errorf("%d messages in an hour in which nothing happened", d.seen)
			}
		})
	}
}
