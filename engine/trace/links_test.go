package trace

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata from what the code does")

// TestLinks runs transcripts: each line is an event; the test appends the cause that was found, "<- seq link".
func TestLinks(t *testing.T) {
	files, err := filepath.Glob("testdata/links/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runLinks(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s: causes differ (run with -update and read the change)\n--- got\n%s\n--- want\n%s", file, got, want)
			}
		})
	}
}

func runLinks(t *testing.T, script string) string {
	t.Helper()
	tap := NewTap(NewStore(Limits{}), nil)
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			fmt.Fprintln(&out, line)
			continue
		}
		line, _, _ = strings.Cut(line, "<-")
		line = strings.TrimSpace(strings.TrimLeft(line, "0123456789 "))
		seq := tap.Record(t.Context(), parseEvent(t, line))
		e, _ := tap.Store().Get(seq)
		cause := "-"
		if e.Cause != 0 {
			cause = fmt.Sprintf("%d %s", e.Cause, e.CauseLink)
		}
		fmt.Fprintf(&out, "%2d %s  <- %s\n", seq, line, cause)
	}
	return out.String()
}

// parseEvent reads "actor[@process] kind verb[:subresource] Kind/namespace/name [key=value|flag]...". A kubelet's @ names
// its node.
func parseEvent(t *testing.T, line string) Event {
	t.Helper()
	words := strings.Fields(line)
	if len(words) < 4 {
		t.Fatalf("%q: want actor kind verb object", line)
	}
	e := Event{Actor: words[0], Kind: Kind(words[1])}
	if actor, process, ok := strings.Cut(words[0], "@"); ok && actor != "kubelet" && actor != "inproc" {
		e.Actor, e.Process = actor, process
	}
	e.Verb, e.Subresource, _ = strings.Cut(words[2], ":")
	parts := strings.SplitN(words[3], "/", 3)
	if len(parts) != 3 {
		t.Fatalf("%q: want Kind/namespace/name", words[3])
	}
	e.Object = Object{Kind: parts[0], Namespace: parts[1], Name: parts[2]}
	for _, w := range words[4:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "uid":
			e.Object.UID = value
		case "owners":
			e.Refs.Owners = strings.Split(value, ",")
		case "involved":
			e.Refs.Involved = strings.Split(value, ",")
		case "terminating":
			e.Refs.Terminating = true
		case "root":
			e.Root = true
		case "open":
			e.Open = true
		case "out", "in", "reply":
			e.Detail = &HopDetail{Direction: w, Reply: w == "reply"}
		default:
			t.Fatalf("unknown word %q", w)
		}
	}
	return e
}
