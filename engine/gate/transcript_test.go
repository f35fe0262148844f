package gate

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

var update = flag.Bool("update", false, "write what the transcripts in testdata should be")

// A transcript is a list of blocks: commands, a line "----", what they print, an empty line. Lines before the first
// command of a block that begin with # are comments. The commands are those of machine.run.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s differs; got:\n%s", file, got)
			}
		})
	}
}

// replay runs a transcript and returns it with what its commands print now.
func replay(t *testing.T, transcript string) string {
	m := &machine{core: newCore(), begun: map[uint64]trace.Event{}}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(transcript), "\n\n") {
		commands, _, _ := strings.Cut(block, "----")
		commands = strings.TrimRight(commands, "\n")
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(commands + "\n----\n")
		for line := range strings.Lines(commands) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			printed, err := m.run(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			out.WriteString(printed)
		}
	}
	return out.String()
}

// machine is a core and what stands in for the rest of the lab.
type machine struct {
	core     *core
	begun    map[uint64]trace.Event
	settling settling
}

func (m *machine) find(seq uint64) (trace.Event, bool) {
	e, ok := m.begun[seq]
	return e, ok
}

func (m *machine) last() (last uint64) {
	for seq := range m.begun {
		last = max(last, seq)
	}
	return last
}

func (m *machine) run(line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "arrive": // ACTOR KIND VERB OBJECT [SUB] [cause=N] [inferred] [background]
		e, err := parseEvent(rest)
		if err != nil {
			return "", err
		}
		if id := m.core.arrive(time.Time{}, &e, m.find, enclosers(&e, m.find, m.last())); id != 0 {
			return fmt.Sprintf("held %d\n", id), nil
		}
		return "passes\n", nil
	case "begin": // SEQ and the same: an event that has begun
		n, rest, _ := strings.Cut(rest, " ")
		seq, err := strconv.ParseUint(n, 10, 64)
		if err != nil {
			return "", err
		}
		e, err := parseEvent(rest)
		e.Seq, e.Open = seq, true
		m.begun[seq] = e
		return "", err
	case "end": // SEQ
		seq, err := strconv.ParseUint(rest, 10, 64)
		e := m.begun[seq]
		e.Open = false
		m.begun[seq] = e
		return "", err
	case "cancel": // ID
		id, err := strconv.ParseUint(rest, 10, 64)
		return fmt.Sprintf("was held: %t\n", m.core.cancel(id)), err
	case "settled":
		m.core.settled()
		return "", nil
	case "state":
		return m.state(), nil
	case "look": // IDLE [LEAVING]: has the lab settled, when nothing has happened for IDLE?
		return m.look(rest)
	}
	c := engine.Command{Verb: engine.Verb(verb), Pattern: rest}
	if c.Verb == engine.StepThis {
		id, err := strconv.ParseUint(rest, 10, 64)
		if err != nil {
			return "", err
		}
		c.Held, c.Pattern = id, ""
	}
	ids, err := m.core.do(c)
	if err != nil {
		if !errors.Is(err, engine.ErrUsage) {
			return "", err
		}
		return err.Error() + "\n", nil
	}
	if len(ids) == 0 {
		return "releases nothing\n", nil
	}
	return "releases " + strings.Trim(fmt.Sprint(ids), "[]") + "\n", nil
}

func (m *machine) state() string {
	s := m.core.state()
	out := fmt.Sprintf("%s at %s", s.Mode, s.Level)
	if s.RunTo != "" {
		out += ", to " + s.RunTo
	}
	out += "\n"
	for _, b := range s.Breakpoints {
		out += "breakpoint " + b + "\n"
	}
	for _, h := range s.Held {
		e := h.Event
		out += strings.TrimRight(fmt.Sprintf("  %d %s %s %s %s %s", h.ID, e.Actor, e.Kind, e.Verb, e.Object, e.Subresource),
			" ") + "\n"
	}
	return out
}

func (m *machine) look(rest string) (string, error) {
	words := strings.Fields(rest)
	idle, err := time.ParseDuration(words[0])
	if err != nil {
		return "", err
	}
	now := time.Unix(1000, 0)
	tr := traffic{now: now, last: now.Add(-idle), enclosing: enclosing(m.core.held)}
	for _, e := range m.begun {
		if e.Open && counted(&e) {
			tr.open++
		}
	}
	if len(words) > 1 {
		tr.leaving, err = strconv.Atoi(words[1])
	}
	settled, again := m.settling.check(tr, stepQuiet)
	if settled {
		m.core.settled()
		return fmt.Sprintf("settled: %d open, of which %d wait for what is held, %d given up\n", tr.open, tr.enclosing,
			m.settling.abandoned), err
	}
	return fmt.Sprintf("not settled: %d open, of which %d wait for what is held; look again in %s\n", tr.open,
		tr.enclosing, again), err
}

// parseEvent reads "ACTOR KIND VERB OBJECT" and what may follow. OBJECT is Kind, Kind/name or
// Kind/namespace/name; a name that the API server will make up is left out: Kind/namespace/.
func parseEvent(text string) (trace.Event, error) {
	words := strings.Fields(text)
	if len(words) < 4 {
		return trace.Event{}, fmt.Errorf("%q is not an event", text)
	}
	e := trace.Event{Actor: words[0], Kind: trace.Kind(words[1]), Verb: words[2]}
	parts := strings.Split(strings.Trim(words[3], "-"), "/") // "-" is none
	e.Object.Kind = parts[0]
	if len(parts) > 2 {
		e.Object.Namespace = parts[1]
	}
	if len(parts) > 1 {
		e.Object.Name = parts[len(parts)-1]
	}
	for _, w := range words[4:] {
		switch {
		case w == "background":
			e.Background = true
		case w == "inferred":
			e.CauseLink = trace.Inferred
		case strings.HasPrefix(w, "cause="):
			seq, err := strconv.ParseUint(w[len("cause="):], 10, 64)
			if err != nil {
				return e, err
			}
			e.Cause = seq
			if e.CauseLink == "" {
				e.CauseLink = trace.Exact
			}
		case strings.HasPrefix(w, "resource="):
			e.Detail = &trace.RequestDetail{Resource: w[len("resource="):]}
		default:
			e.Subresource = w
		}
	}
	return e, nil
}
