package tui_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/internal/scene"
)

func TestGoldenLabViews(t *testing.T) {
	scenes := []struct {
		name string
		edit func(*tui.Options)
		play func(d *driver)
	}{
		{"lab-map", replay, func(*driver) {}},
		{"lab-map-held", nil, func(d *driver) { d.start(); d.stepTo("2 waiting") }},
		{"lab-trace-tree", replay, func(d *driver) { d.press("2", "i", "i") }},
		{"lab-trace-time", replay, func(d *driver) { d.press("2", "t", "up", "up") }},
		{"lab-scheduler", replay, func(d *driver) { d.press("3") }},
		{"lab-etcd", replay, func(d *driver) { d.press("4") }},
		{"lab-etcd-revisions", replay, func(d *driver) { d.press("4", "/"); d.write("pods"); d.press("enter", "enter") }},
		{"lab-objects", replay, func(d *driver) { d.press("5", "down", "down") }},
		{"lab-object-inside", replay, func(d *driver) { d.press("5", "down", "down", "enter", "y") }},
		{"lab-rollout", replay, func(d *driver) { d.press("6") }},
		{"lab-packets", busy, func(d *driver) { d.press("7", "enter", "down") }},
		{"lab-dns", busy, func(d *driver) { d.press("8", "enter") }},
		{"lab-then", replay, func(d *driver) { d.press("left", "left", "left", "left", "left") }},
		{"lab-kubectl", nil, func(d *driver) { d.start(); d.press("$"); d.write("get po") }},
		{"lab-breakpoints", nil, func(d *driver) { d.start(); d.press("b") }},
		{"lab-palette", replay, func(d *driver) { d.press(":"); d.write("e") }},
	}
	for _, s := range scenes {
		for _, size := range sizes {
			for _, lang := range languages {
				name := fmt.Sprintf("%s-%dx%d-%s", s.name, size[0], size[1], lang)
				t.Run(name, func(t *testing.T) {
					edit := func(o *tui.Options) {
						if s.edit != nil {
							s.edit(o)
						}
						o.Lang = lang
					}
					drive(t, size[0], size[1], edit, func(d *driver) {
						s.play(d)
						d.fits(size[0], size[1])
						d.golden(name)
					})
				})
			}
		}
	}
}

// TestLabNeverOverflows resizes through many sizes in each view and pane, in both languages and themes.
func TestLabNeverOverflows(t *testing.T) {
	keys := [][]string{nil, {"2"}, {"t"}, {"B"}, {"3"}, {"4"}, {"enter"}, {"5"}, {"B"}, {"6"}, {"7"}, {"enter"}, {"8"}, {"tab"}, {"y"}, {"1", "tab", "tab"}, {"left", "left"},
		{"1", ":"}, {"esc", "b"}, {"esc", "$"}, {"esc", "L"}}
	for _, noColor := range []bool{false, true} {
		for _, mode := range []string{"live", "replay"} {
			t.Run(fmt.Sprintf("%s, no colour %t", mode, noColor), func(t *testing.T) {
				edit := func(o *tui.Options) {
					if mode == "replay" {
						busy(o)
					}
					o.NoColor = noColor
				}
				drive(t, 80, 24, edit, func(d *driver) {
					if mode == "live" {
						manySizes(d, 0)
						d.start()
						d.stepTo("binding")
					}
					for lang := range languages {
						for i, k := range keys {
							d.press(k...)
							manySizes(d, 1+lang*len(keys)+i)
						}
					}
				})
			})
		}
	}
}

// TestViewsNeverOverflow looks into everything that each view shows of a busy lab, filtered and in the past, at many sizes;
// the language changes from one state to the next.
func TestViewsNeverOverflow(t *testing.T) {
	states := []struct {
		name  string
		keys  []string
		write string
		back  []string
	}{
		{"as it opens", nil, "", nil},
		{"opened", []string{"enter", "down", "down"}, "", []string{"esc", "esc"}},
		{"diff", []string{"d"}, "", []string{"esc", "esc"}},
		{"source", []string{"s"}, "", []string{"esc", "esc"}},
		{"yaml", []string{"y", "tab", "pgdown"}, "", []string{"w", "esc", "esc"}},
		{"while a filter is typed", []string{"/"}, "web 中文", []string{"esc"}},
		{"filtered", []string{"/"}, "web", []string{"enter"}},
		{"nothing fits", []string{"/"}, "no such thing", []string{"esc"}},
		{"past", []string{"left", "left", "left", "left"}, "", nil},
		{"long past", []string{"<", "<"}, "", []string{"end"}},
		{"alone", []string{"z"}, "", []string{"z"}},
	}
	for view := 1; view <= 8; view++ {
		for _, noColor := range []bool{false, true} {
			t.Run(fmt.Sprintf("view %d, no colour %t", view, noColor), func(t *testing.T) {
				drive(t, 80, 24, func(o *tui.Options) { busy(o); o.NoColor = noColor }, func(d *driver) {
					for i, s := range states {
						d.press(fmt.Sprint(view), "i")
						d.press(s.keys...)
						d.write(s.write)
						manySizes(d, view+i)
						if t.Failed() {
							t.Fatalf("%s:\n%s", s.name, d.screen())
						}
						d.press(s.back...)
						d.press("L")
					}
				})
			})
		}
	}
}

// busy replays a run with a second ReplicaSet, requests, lookups, packets and a Pod that fits nowhere.
func busy(o *tui.Options) {
	replay(o)
	o.Recording = scene.Busy()
}

func TestPacketsAndNames(t *testing.T) {
	drive(t, 120, 40, busy, func(d *driver) {
		d.press("7")
		d.sees("flows: 1", "tcp client > svc/web:80", "hops: 6", "✗ policy default")
		d.press("enter", "down")
		d.sees("hop 2 of 6", "DNAT 10.96.0.20:80 → 10.244.2.5:80", "10.244.2.0/24 via 10.244.2.0 dev flannel.1",
			"vxlan 192.168.50.11 > 192.168.50.12  VNI 1", "ttl 63", "default/web -> 10.244.2.5:80", "TCP  40000 > 80  [S]")
		d.press("y")
		d.sees("53 59 4e")
		d.press("8")
		d.sees("2 lookups", "2 asked", "1 without address", "✓ 10.96.0.20", "✗ SERVFAIL")
		d.press("up", "enter")
		d.sees("web.other.svc.cluster.local.", "✗ NXDOMAIN", "0.4 ms", "ndots 5", "of them 1 without an address, 0.8 ms")
		d.press("esc")
		d.until("left", "2 lookups")
		d.until("left", "1 lookups")
		d.until("left", "1 asked")
	})
}

func TestMapShowsWhoWaits(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.stepTo("2 waiting")
		d.sees("[1 Map]", "replicaset-controller     ───■", "■ wants: create  pods", "■ wants: update  deployments/web/status", "node-2", "nodes: 3 · Pods: 0")
		d.press("n", "n")
		d.sees("no node yet")
	})
}

func TestTraceAsTreeAndByTime(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("2")
		d.sees("by cause", "·└┄deployment-ctl", "·↓ kube-scheduler")
		d.press("t")
		d.sees("by time")
		d.misses("↓ kube-scheduler")
		d.press("B")
		d.sees("with background", "leases")
		d.press("B", "t", "g", "space")
		d.sees("▸(2) kubectl", "1 of 1")
		d.press("space", "/")
		d.write("startcontainer")
		d.press("enter")
		d.sees("filter: startcontainer", "StartContainer", "create          deployments/web") // with its causes
		d.misses("update          deployments/web/status")
	})
}

func TestSchedulerSaysWhyThisNode(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("3")
		d.sees("→ node-2", "2/3", "✗ node-1  TaintToleration  node(s) had untolerated taint(s)", "node(s) had untolerated taint(s)", "92/92/92", "▸592", "571")
	})
}

func TestEtcdComparesRevisions(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("4")
		d.sees("deployments/default/web", "326", "pods/default/web-6f8d9c7b5-x2x4k")
		d.press("/")
		d.write("pods")
		d.press("enter", "enter")
		d.sees("3 revisions", "revision 324, compared with 322", "~ status.phase: Pending → Running", "kubelet@node-2 patch status")
		d.press("down", "down", "M", "g")
		d.sees("◆", "revision 324, compared with 321", "+ spec.nodeName: node-2")
		d.press("esc")
		d.sees("filter: pods", "writes")
	})
}

func TestObjectsShowOwnersAndEvents(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("5")
		d.sees("Deployment  web", "└─ReplicaSet", "  └─Pod", "1/1 Running · node-2", "Node  node-1")
		d.press("down", "down")
		d.sees("✓ Ready True", "Normal Scheduled", "Successfully assigned")
		d.press("y", "tab", "end")
		d.sees("phase: Running", "nodeName: node-2")
		d.misses("Normal Scheduled")
	})
}

func TestRolloutSaysWhatIsAllowed(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("6")
		d.sees("maxSurge 25%, maxUnavailable 25%", "of at most 2", "at least 1 needed", "web-6f8d9c7b5", "●")
	})
}

func TestRolloutCountsRequests(t *testing.T) {
	drive(t, 120, 40, busy, func(d *driver) {
		d.press("6", "down")
		d.sees("180 ok, 2 failed   client → http://web/", "web v1: 120 · web v2: 60", "last failure: no answer within 2s", "new 2 web-7d9f6b8c4", "old 1 web-6f8d9c7b5")
		d.press("i")
		d.until("left", "requests   120 ok, 0 failed")
		d.misses("last failure")
		d.until("left", "none counted")
	})
}

func TestTimeTravel(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("5")
		d.sees("1/1 Running")
		d.press("left")
		d.sees("THEN #", "now is #", "End returns to now", "●")
		for range 6 {
			d.press("left")
		}
		d.misses("Running")
		d.sees("Pending")
		d.press("1")
		d.sees("THEN #", "◐ web-")
		for range 3 {
			d.press("<")
		}
		d.press("5")
		d.misses("ReplicaSet")
		for range 40 {
			d.press("right")
		}
		d.misses("THEN #")
		d.press("left", "end")
		d.misses("THEN #")
		d.sees("1/1 Running")
	})
}

func TestNoVerbsInThePast(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.stepTo("binding")
		d.press("left")
		d.sees("THEN #", "This is the past")
		before := d.waiting()
		d.press("n", "c", "m")
		if got := d.waiting(); got != before {
			t.Errorf("a verb from the past changed what waits: %s, then %s", before, got)
		}
		d.press("end", "n")
		if got := d.waiting(); got == before {
			t.Error("a step from now did nothing")
		}
	})
}

func TestPromptRunsKubectl(t *testing.T) {
	var asked [][]string
	edit := func(o *tui.Options) {
		o.Actions.Kubectl = func(_ context.Context, args []string) (string, error) {
			asked = append(asked, args)
			if args[0] == "get" {
				return "NAME     STATUS\nnode-1   Ready\n\x1b[2Jnasty\n", nil
			}
			return "error: unknown command\n", errors.New("kubectl failed")
		}
	}
	drive(t, 120, 40, edit, func(d *driver) {
		d.start()
		d.press("$")
		d.sees("$ kubectl", "enter runs")
		d.write("get nodes -l 'a=b c'")
		d.press("enter")
		d.sees("$ kubectl get nodes -l 'a=b c'", "node-1   Ready", "[2Jnasty")
		if got := fmt.Sprintf("%q", asked[len(asked)-1]); got != `["get" "nodes" "-l" "a=b c"]` {
			t.Errorf("kubectl was given %s", got)
		}
		d.press("$")
		d.write("frobnicate")
		d.press("enter")
		d.sees("✗ kubectl frobnicate", "error: unknown command")
		d.press("$", "up", "up", "up")
		d.sees("$ kubectl get nodes -l")
		d.press("down")
		d.sees("$ kubectl frobnicate")
		d.press("esc", "esc")
		d.misses("error: unknown command")
	})
}

func TestPromptWhileTheGateHolds(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.press("p", "$")
		d.write("create deployment web")
		d.press("enter")
		d.sees("not answered yet", "■ wants: create  deployments/web")
		d.press("n")
		d.sees("deployment.apps/web created")
	})
}

func TestBreakpoints(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.press("b")
		d.sees("No breakpoints.", "kube-scheduler create pods/binding")
		d.write("pods/binding")
		d.press("enter")
		d.sees("▸pods/binding", "Breakpoints: 1")
		d.press("esc", "p", "$")
		d.write("create")
		d.press("enter", "esc", "b")
		d.sees("tab takes: kubectl create deployments")
		d.press("tab", "ctrl+u")
		d.write("nonsense!")
		d.press("enter")
		d.sees("nonsense")
		d.press("esc", "b", "ctrl+d")
		d.sees("No breakpoints.")
		if got := d.lab.State().Breakpoints; len(got) != 0 {
			t.Errorf("breakpoints: %v", got)
		}
	})
}

func TestZoom(t *testing.T) {
	drive(t, 120, 40, busy, func(d *driver) {
		d.press("7", "enter")
		d.sees("Inspector")
		d.press("z")
		d.misses("Inspector")
		d.sees("hop 1 of 6", "✗ policy default/deny")
		d.press("tab")
		d.sees("Inspector")
		d.misses("which way did it go?")
		d.press("z")
		d.sees("Inspector", "which way did it go?")
	})
}

func TestPalette(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press(":")
		d.sees("Commands")
		d.write("etcd: by key")
		d.press("enter")
		d.sees("Commands") // sorting works in its view only
		d.press("esc", ":")
		d.write("tree of causes")
		d.press("esc", "2", ":")
		d.write("tree of causes")
		d.press("enter")
		d.misses("Commands")
		d.sees("by time")
		d.press(":")
		d.write("leave")
		d.press("enter")
		if !d.quit {
			t.Error("the palette did not leave the program")
		}
	})
}

func TestCopies(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.press("5")
		_, cmd := d.model.Update(keyPress("Y"))
		if cmd == nil || !strings.Contains(fmt.Sprint(cmd()), "Deployment web") {
			t.Error("nothing went to the clipboard")
		}
		d.sees("to the clipboard")
	})
}

func TestLabMouse(t *testing.T) {
	drive(t, 120, 40, replay, func(d *driver) {
		d.send(tea.MouseClickMsg{X: 10, Y: 1, Button: tea.MouseLeft})
		d.idle()
		d.sees("[2 Trace]")
		d.send(tea.MouseClickMsg{X: 10, Y: 4, Button: tea.MouseLeft})
		d.idle()
		d.sees("2 of ")
		d.send(tea.MouseWheelMsg{X: 10, Y: 5, Button: tea.MouseWheelDown})
		d.idle()
		d.sees("5 of ")
		d.press("1")
		d.send(tea.MouseClickMsg{X: 50, Y: 13, Button: tea.MouseLeft})
		d.idle()
		d.sees("▸")
	})
}

func TestLabLevelFollowsTheGate(t *testing.T) {
	drive(t, 120, 40, nil, func(d *driver) {
		d.start()
		d.create()
		d.press("i")
		d.sees("level: hops")
		d.press("i")
		d.sees("level: deliveries")
		if got := d.lab.State().Level; got != engine.Deliveries {
			t.Errorf("the gate's level is %s", got)
		}
	})
}
