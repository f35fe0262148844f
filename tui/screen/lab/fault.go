package lab

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/tui/host"
	"github.com/kubestep/kubestep/tui/text"
)

// faultWords returns what follows "kubestep fault" or "fault" on the line; ok is false when the line says neither.
func faultWords(args []string) (words []string, ok bool) {
	args = slices.Clone(args)
	if len(args) > 0 && args[0] == "kubestep" {
		args = args[1:]
	}
	if len(args) == 0 || args[0] != "fault" {
		return nil, false
	}
	return args[1:], true
}

// promptHead stands before what is typed: the program that it is for.
func (m *Lab) promptHead() string {
	line := m.console.Line.Value()
	if _, isFault := faultWords(strings.Fields(line)); isFault || strings.HasPrefix(line, "kubestep ") {
		return "$"
	}
	return "$ kubectl"
}

// breakLab carries out a fault command and shows what is broken then.
func (m *Lab) breakLab(words []string) tea.Cmd {
	id, faults, none := m.console.Begin(strings.Join(append([]string{"kubestep", "fault"}, words...), " ")), m.o.Faults, m.say.T(text.FaultsNone)
	return m.o.Ask(0, func(ctx context.Context) (any, error) {
		state, err := fault(ctx, faults, words)
		if err != nil {
			return ran{id, err.Error()}, err
		}
		var lines []string
		for _, f := range state.Faults {
			lines = append(lines, f.String())
		}
		if len(lines) == 0 {
			lines = []string{none}
		}
		return ran{id, strings.Join(lines, "\n")}, nil
	})
}

func fault(ctx context.Context, faults engine.Faults, words []string) (engine.FaultState, error) {
	if slices.Equal(words, []string{"list"}) {
		return faults.State(ctx)
	}
	c, err := engine.ParseFault(words)
	if err != nil {
		return engine.FaultState{}, err
	}
	return faults.Do(ctx, c)
}

// completeFault says how a fault command could go on; the last of words has been begun.
func completeFault(ctx context.Context, faults engine.Faults, words []string) (host.Completion, error) {
	state, err := faults.State(ctx)
	var all []host.Proposal
	add := func(words ...string) {
		for _, w := range words {
			all = append(all, host.Proposal{Word: w})
		}
	}
	kinds := engine.FaultKinds()
	kind := slices.IndexFunc(kinds, func(k engine.FaultKind) bool { return k.Name == words[0] })
	switch n := len(words); {
	case n == 1:
		for _, k := range kinds {
			all = append(all, host.Proposal{Word: k.Name, About: k.Usage() + ": " + k.Short})
		}
		add("heal", "list")
	case words[0] == "heal":
		for _, f := range state.Faults {
			if n == 2 {
				add(f.Kind)
			}
			if n == 2 || n == 3 && f.Kind == words[1] {
				add(f.Target)
			}
		}
	case kind < 0:
	case n == 2:
		add(state.Nodes...)
		for _, p := range state.Pods {
			if kinds[kind].Pods {
				add("pod/" + p)
			}
		}
	case n == 3 && words[0] == engine.FaultRoute:
		add(slices.DeleteFunc(slices.Clone(state.Nodes), func(s string) bool { return s == words[1] })...)
	}
	all = slices.DeleteFunc(all, func(p host.Proposal) bool { return !strings.HasPrefix(p.Word, words[len(words)-1]) })
	return host.Completion{Proposals: slices.Compact(all)}, err
}
