package tui_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/tui"
	"github.com/kubestep/kubestep/tui/host"
)

// proposing completes from a list of words.
func proposing(about string, words ...string) func(*tui.Options) {
	return func(o *tui.Options) {
		o.Host.Complete = func(_ context.Context, line []string) (c host.Completion, err error) {
			begun := line[len(line)-1]
			if _, value, ok := strings.Cut(begun, "="); ok {
				begun = value
			}
			for _, w := range words {
				if strings.HasPrefix(w, begun) {
					c.Proposals = append(c.Proposals, host.Proposal{Word: w, About: about})
				}
			}
			return c, nil
		}
	}
}

func TestCompletionCycles(t *testing.T) {
	drive(t, 120, 40, proposing("", "pods", "podtemplates", "nodes"), func(d *driver) {
		d.start()
		d.press("$")
		d.write("get p")
		d.press("tab")
		d.sees("$ kubectl get pod ", "pods  podtemplates", "2 ways · tab next")
		d.press("tab")
		d.sees("get pods ")
		d.press("tab")
		d.sees("get podtemplates ")
		d.press("tab")
		d.sees("get pods ")
		d.press("shift+tab")
		d.sees("get podtemplates ")
		d.press("esc") // takes back what tab has put there
		d.sees("$ kubectl get p ", "enter runs")
		d.press("n", "backspace", "backspace")
		d.write("n")
		d.press("tab") // the only one: goes on with the next word
		d.write("-A")
		d.sees("get nodes -A")
	})
}

func TestCompletionOfAFlagsValue(t *testing.T) {
	drive(t, 80, 24, proposing("a form", "json", "jsonpath", "yaml"), func(d *driver) {
		d.start()
		d.press("$")
		d.write("get po --output=y")
		d.press("tab")
		d.sees("get po --output=yaml ")
		d.press("ctrl+u")
		d.write("get -o ")
		d.press("tab", "tab", "tab", "tab")
		d.sees("get -o yaml ", "json  jsonpath  yaml", "a form")
		d.press("ctrl+u")
		d.write("x=nothing")
		d.press("tab")
		d.sees("Nothing completes this.")
	})
}

func TestHistoryOutlivesTheRun(t *testing.T) {
	var kept []string
	edit := func(o *tui.Options) {
		o.Actions.Kubectl = func(context.Context, []string) (string, error) { return "ok\n", nil }
		o.Host.History = []string{"get nodes", "get pods -A"}
		o.Host.Remember = func(line string) error { kept = append(kept, line); return nil }
	}
	drive(t, 80, 24, edit, func(d *driver) {
		d.start()
		d.press("$", "up")
		d.sees("kubectl get pods -A")
		d.press("up")
		d.sees("kubectl get nodes")
		d.press("enter", "$")
		d.write("version")
		d.press("enter")
		if want := []string{"get nodes", "version"}; !slices.Equal(kept, want) {
			t.Errorf("kept %q, want %q", kept, want)
		}
	})
}

func TestHistoryThatCannotBeKept(t *testing.T) {
	edit := func(o *tui.Options) {
		o.Actions.Kubectl = func(context.Context, []string) (string, error) { return "ok\n", nil }
		o.Host.Remember = func(string) error { return errors.New("no room on the disk") }
	}
	drive(t, 80, 24, edit, func(d *driver) {
		d.start()
		d.press("$")
		d.write("version")
		d.press("enter")
		d.sees("no room on the disk")
	})
}

// TestPromptIsNoShell refuses what would not do what the reader means, and says where it would.
func TestPromptIsNoShell(t *testing.T) {
	ran := 0
	edit := func(o *tui.Options) {
		o.Actions.Kubectl = func(context.Context, []string) (string, error) { ran++; return "", nil }
	}
	drive(t, 120, 40, edit, func(d *driver) {
		d.start()
		for line, says := range map[string]string{
			"get po | grep x":       "no | here",
			"get po -w":             "-w does not end by itself",
			"exec -it web -- sh":    "-it does not end by itself",
			"edit deployment web":   "edit does not end by itself",
			"logs web -f":           "-f does not end by itself",
			"get po 'x":             "A quote is not closed",
			"port-forward web 8080": "port-forward does not end by itself",
		} {
			d.press("$", "ctrl+u")
			d.write(line)
			d.press("enter")
			d.sees(says)
			d.press("esc")
		}
		if ran != 0 {
			t.Errorf("%d of them ran", ran)
		}
		d.press("$", "ctrl+u")
		d.write("exec web -- sh -c 'a | b' -w")
		d.press("enter")
		if ran != 1 {
			t.Error("what comes after -- is another program's")
		}
	})
}
