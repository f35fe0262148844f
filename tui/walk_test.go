package tui_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/internal/scene"
)

func TestOpensWhileTheLabStarts(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.sees("What will happen", "▸ etcd", "○ apiserver", "starting")
		d.keys([]string{"help", "quit"}, []string{"step", "create", "continue"})
		d.lab.PhaseDone(40 * time.Millisecond)
		d.idle()
		d.sees("✓ etcd         0.04 s", "▸ apiserver")
		d.start()
		d.sees("Ready in 1.20 s.", "kubectl create deployment web", "--image=kubestep.dev/web:v1 --replicas=1", "v1.36.3", "3 nodes")
		d.keys([]string{"n create"}, []string{"continue", "pause "})
	})
}

func TestWalksToTheEnd(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.press("n")
		d.sees("paused", "level: calls", "step 1/8", "1 kubectl", "create deployments/web", "kubectl waits")
		d.misses("✓ The Deployment is stored")
		d.press("n")
		d.sees("✓ The Deployment is stored", "deployment.apps/web created", "1 deployment-ctl  create replica…eb-6f8d9c7b5")
		d.stepTo("binding")
		d.sees("kube-scheduler  create", "inding → node-2", "node-2", "total", "NodeResourcesFit", "92/92/92")
		d.stepTo("StartContainer")
		d.sees("✓ The kubelet makes the Pod's sandbox", "▸ The container starts")
		for range 4 {
			d.press("n")
		}
		d.sees("all 8 steps seen", "Seen: from one request to a running Pod", "Nobody wants to change anything")
		d.keys([]string{"start over"}, []string{"n step"})
		d.press("r")
		d.sees("Press n to run this")
	})
}

func TestListBeginsWithTheWalk(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.lab.Bootstrap()
		d.start()
		d.sees("create services/kubernetes")
		d.press("n", "n")
		d.misses("create services/kubernetes")
		d.sees("create deployments/web 201")
	})
}

func TestContinueAndPause(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.press("n")
		d.keys([]string{"c continue"}, []string{"p pause"})
		d.press("c")
		d.sees("running", "all 8 steps seen")
		d.keys([]string{"p pause"}, []string{"c continue", "n step"})
		d.press("p")
		d.sees("paused")
	})
}

func TestChoosesWhatWaits(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.stepTo("2 waiting")
		d.sees("1 deployment-ctl  update", "2 replicaset-ctl  create")
		d.keys([]string{"m choose"}, nil)
		d.press("down", "m")
		d.sees("1 deployment-ctl  update", "✓ The ReplicaSet gets a Pod")
		d.misses("2 replicaset-ctl")
		if got := d.lab.State().Held; len(got) != 1 || got[0].Event.Actor != "deployment-controller" {
			t.Errorf("held: %v", got)
		}
	})
}

func TestLevelDecidesWhatIsHeldAndListed(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.stepTo("ReplicaSet")
		d.misses("etcd            put")
		d.press("i")
		d.sees("level: deliveries", "etcd            put")
		d.press("i")
		d.sees("level: stages", "authentication")
		d.keys([]string{"o coarser"}, []string{"i finer"})
		d.press("o", "o", "o")
		d.sees("level: requests")
		if got := d.lab.State().Level; got != engine.Requests {
			t.Errorf("the gate's level is %s", got)
		}
	})
}

func TestReplayHasNoVerbs(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("v")
		d.sees("replay", "This is a recording", "✓ The Deployment is Available", "all 8 steps seen")
		d.keys([]string{"d diff", "/ filter", "i finer"}, []string{"n step", "n create", "c continue", "p pause", "m choose", "start over"})
		before := d.screen()
		d.press("n", "c", "p", "m", "r")
		if d.screen() != before {
			t.Errorf("a verb did something in a replay:\n%s", d.screen())
		}
		d.press("i")
		d.sees("level: deliveries", "rev 318")
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
	drive(t, 120, 40, replay, func(d *driver) { d.press("v"); direct = d.screen() })
	drive(t, 120, 40, func(o *tui.Options) { o.Lab, o.Recording = nil, store }, func(d *driver) { d.press("v"); read = d.screen() })
	if direct != read {
		t.Errorf("from the store:\n%s\nfrom the file:\n%s", direct, read)
	}
}

func TestInspectorPages(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("v")
		d.press("/")
		d.write("binding")
		d.press("enter")
		d.sees("filter: binding", "1 of 1", "kube-scheduler  create  pods/web-6f8d9c7b5-x2x4k/binding  → node-2")
		d.sees("Why", "inferred", "exact")
		d.press("enter", "end")
		d.sees("Root: somebody outside", "Where in the source")
		d.press("s")
		d.sees("pkg/scheduler/schedule_one.go:1095", "scheduler.(*Scheduler).bind")
		d.press("y")
		d.sees("Sent", "kind: Node", "name: node-2")
		d.press("w", "esc", "esc")
		d.misses("filter: binding")
		d.press("i", "/")
		d.write("etcd 322")
		d.press("enter", "d")
		d.sees("+ spec.nodeName: node-2")
	})
}

func TestFilterTypesLettersThatAreKeys(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("v")
		d.press("/")
		d.write("qL?n")
		if d.quit {
			t.Fatal("a letter in the filter left the program")
		}
		d.sees("qL?n", "No event matches the filter")
		d.press("backspace", "esc")
		d.misses("No event matches")
	})
}

func TestLanguageSwitchesLive(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.press("L")
		d.sees("将要发生什么", "退出")
		d.misses("What will happen")
		d.start()
		d.press("n")
		d.sees("停在关口，尚未发生", "根：来自")
		d.misses("Root:", "API request")
		d.press("?", "L")
		d.sees("Keys", "leave; the lab stops")
	})
}

func TestHelpListsEveryKey(t *testing.T) {
	drive(t, 120, 50, nil, func(d *driver) {
		d.press("?")
		d.sees("one level coarser", "the upstream call stack", "follow what comes", "(n)", "The mouse works too")
		d.press("n", "q")
		if d.quit {
			t.Error("q left the program instead of the help")
		}
		d.misses("one level coarser")
	})
}

func TestQuits(t *testing.T) {
	for _, keys := range [][]string{{"q"}, {"ctrl+c"}, {"?", "ctrl+c"}, {"/", "x", "ctrl+c"}} {
		t.Run(strings.Join(keys, " "), func(t *testing.T) {
			drive(t, 80, 24, replay, func(d *driver) {
				d.press("v")
				d.press(keys...)
				if !d.quit {
					t.Error("the program runs on")
				}
			})
		})
	}
}

func TestLabThatDies(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.lab.PhaseDone(time.Millisecond)
		d.lab.Fail("etcd: no space left on device")
		d.idle()
		d.sees("The lab could not go on", "no space left on device", "kubestep doctor", "stopped")
		d.keys([]string{"q quit"}, []string{"n create", "n step"})
	})
}

func TestErrorsAreSaid(t *testing.T) {
	refuse := func(o *tui.Options) {
		o.Actions.Kubectl = func(context.Context, []string) (string, error) {
			return "error: the server refused\n", errors.New("exit status 1")
		}
	}
	drive(t, 120, 40, refuse, func(d *driver) {
		d.start()
		d.press("n")
		d.sees("kubectl failed", "error: the server refused")
		d.keys([]string{"n create"}, nil)
	})
}

// TestKubectlRunsOncePerWalk presses n again and again, and has kubectl fail after its request has been let through.
func TestKubectlRunsOncePerWalk(t *testing.T) {
	creates := 0
	count := func(fails bool) func(o *tui.Options) {
		creates = 0
		return func(o *tui.Options) {
			do := o.Actions.Kubectl
			o.Actions.Kubectl = func(ctx context.Context, args []string) (string, error) {
				if args[0] == "create" {
					creates++
				}
				out, err := do(ctx, args)
				if fails && args[0] == "create" && err == nil {
					return "error: connection lost\n", errors.New("exit status 1")
				}
				return out, err
			}
		}
	}
	drive(t, 120, 40, count(false), func(d *driver) {
		d.start()
		for range 40 {
			d.press("n")
		}
		if creates != 1 {
			t.Errorf("kubectl create was run %d times in one walk", creates)
		}
	})
	drive(t, 200, 40, count(true), func(d *driver) {
		d.start()
		d.press("n", "n")
		d.sees("error: connection lost")
		d.keys([]string{"start over", "n step"}, []string{"n create"})
		for range 40 {
			d.press("n")
		}
		if creates != 1 {
			t.Errorf("kubectl create was run %d times in one walk", creates)
		}
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
		d.press("n")
		d.sees("panic: nil pointer somewhere", "Press n to run this")
		d.keys([]string{"n create"}, nil)
	})
}

func TestMouse(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("v")
		d.send(tea.MouseClickMsg{X: 60, Y: 4, Button: tea.MouseLeft})
		d.idle()
		d.sees("3 of ", "deployment-controller  update  deployments/web/status")
		d.send(tea.MouseWheelMsg{X: 60, Y: 4, Button: tea.MouseWheelDown})
		d.idle()
		d.sees("6 of ")
		d.send(tea.MouseClickMsg{X: 80, Y: 30, Button: tea.MouseLeft})
		d.idle()
		d.sees("▸Inspector")
	})
	drive(t, 80, 24, replay, func(d *driver) {
		d.press("v")
		d.send(tea.MouseClickMsg{X: 2, Y: 1, Button: tea.MouseLeft})
		d.idle()
		d.sees("[Walk]")
	})
}

func TestCurrentStepStaysInSight(t *testing.T) {
	drive(t, 60, 20, nil, func(d *driver) {
		d.start()
		d.stepTo("StartContainer")
		d.sees("▸ The container starts", "three more calls")
		d.press("c")
		d.sees("i shows finer steps")
	})
}

func TestAnswersToAnEarlierRunAreDropped(t *testing.T) {
	var release chan struct{}
	drive(t, 120, 40, func(o *tui.Options) {
		release = make(chan struct{}) // inside the bubble
		create := o.Actions.Kubectl
		o.Actions.Kubectl = func(ctx context.Context, args []string) (string, error) {
			out, err := create(ctx, args)
			if args[0] == "create" {
				<-release
				out = "too late"
			}
			return out, err
		}
	}, func(d *driver) {
		d.start()
		d.press("n", "n", "r")
		close(release) // starting over waits for kubectl to end
		d.idle()
		d.sees("Press n to run this")
		d.misses("too late")
	})
}

func TestIdleMeansIdle(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.press("n")
		time.Sleep(time.Hour) // of the bubble's clock
		d.idle()
		if d.seen != 0 {
			t.Errorf("%d messages in an hour in which nothing happened", d.seen)
		}
	})
}
