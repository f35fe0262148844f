package export_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/export"
	"github.com/kubestep/kubestep/tui/internal/scene"
	"github.com/kubestep/kubestep/tui/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; `go test ./tui/export -update` writes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s; look at it and run `go test ./tui/export -update` if it is right:\n%s", file, got)
	}
}

func TestMarkdown(t *testing.T) {
	events := scene.Recording().Since(0).Events
	h := trace.Header{Kubernetes: "v1.36.3", Nodes: 3, Command: []string{"kubectl", "create", "deployment", "web"}}
	for _, lang := range []text.Lang{text.English, text.Chinese} {
		name := [...]string{"en", "zh"}[lang]
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := export.Markdown(&out, text.In(lang), export.Trace{Header: h, Events: events}); err != nil {
				t.Fatal(err)
			}
			golden(t, "trace-"+name+".md", out.Bytes())
		})
	}
}

func TestMarkdownOfNothing(t *testing.T) {
	var out bytes.Buffer
	if err := export.Markdown(&out, text.In(text.English), export.Trace{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Nothing was set off") {
		t.Errorf("got %s", out.String())
	}
}

// TestMarkdownKeepsItsForm exports an event that tries to break out of the block and of the table.
func TestMarkdownKeepsItsForm(t *testing.T) {
	e := trace.Event{Seq: 1, Kind: trace.APIRequest, Actor: "kubectl|x", Verb: "create", Root: true, Error: "bad ``` code",
		Object: trace.Object{Kind: "Pod", Name: "a|b`c"}, Detail: &trace.RequestDetail{Method: "POST", Status: 422},
		Frames: []trace.Frame{{Func: "a.b|c", File: "x.go", Line: 1}}}
	var out bytes.Buffer
	if err := export.Markdown(&out, text.In(text.English), export.Trace{Events: []trace.Event{e}}); err != nil {
		t.Fatal(err)
	}
	s := out.String()
	if strings.Count(s, "````text\n") != 1 || strings.Count(s, "\n````\n") != 1 {
		t.Errorf("the block is not fenced:\n%s", s)
	}
	last := s[strings.LastIndex(strings.TrimSpace(s), "\n")+1:]
	if n := strings.Count(last, "|") - strings.Count(last, `\|`); n != 4 {
		t.Errorf("the row has %d bars, want 4: %s", n, last)
	}
}

// painted is a screen with each kind of style: colours of three forms, weights, reverse, wide characters, a blank end.
func painted() export.Screen {
	return export.Screen{Title: "a <b> & c", Lines: []string{
		"\x1b[1mbold\x1b[m plain \x1b[38;2;138;180;255mblue\x1b[m   ",
		"\x1b[7m▸ picked \x1b[m \x1b[4munder\x1b[m \x1b[31mred\x1b[m <&>\"",
		"┌──┐ 为什么 x",
	}}
}

func TestScreens(t *testing.T) {
	for name, write := range map[string]func(io.Writer, export.Screen) error{"svg": export.SVG, "html": export.HTML, "txt": export.Text} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out, painted()); err != nil {
				t.Fatal(err)
			}
			golden(t, "painted."+name, out.Bytes())
		})
	}
}

// TestSVGIsXML reads the document back and finds every word of the screen at its column.
func TestSVGIsXML(t *testing.T) {
	var out bytes.Buffer
	if err := export.SVG(&out, painted()); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Title string `xml:"title"`
		G     struct {
			Text []struct {
				X float64 `xml:"x,attr"`
				W float64 `xml:"textLength,attr"`
				S string  `xml:",chardata"`
			} `xml:"text"`
		} `xml:"g"`
	}
	if err := xml.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Title != "a <b> & c" {
		t.Errorf("the title is %q", doc.Title)
	}
	at := map[string]float64{}
	for _, s := range doc.G.Text {
		at[s.S] = s.X
		if want := 8.4 * float64(width(s.S)); s.W < want-0.1 || s.W > want+0.1 {
			t.Errorf("%q is %.1f wide, want %.1f", s.S, s.W, want)
		}
	}
	for s, column := range map[string]float64{"bold": 0, "plain": 5, "blue": 11, "▸ picked": 0, "under": 10, "为什么": 5, "x": 12} {
		if x, ok := at[s]; !ok || x < 10+8.4*column-0.1 || x > 10+8.4*column+0.1 {
			t.Errorf("%q is at %.1f (%t), want column %.0f", s, x, ok, column)
		}
	}
}

// width counts cells: Chinese characters take two.
func width(s string) (n int) {
	for _, r := range s {
		if n++; r >= 0x4e00 && r <= 0x9fff {
			n++
		}
	}
	return n
}

func TestAsciicast(t *testing.T) {
	now := time.Unix(1700000000, 0)
	var out bytes.Buffer
	c, err := export.NewAsciicast(&out, 80, 24, "xterm-256color", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	whole := "\x1b[1m步进\x1b[m \x00"
	for i := range len(whole) { // one byte at a time: no character may be torn
		now = now.Add(250 * time.Millisecond)
		if err := c.Output([]byte(whole[i : i+1])); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range [][2]int{{80, 24}, {100, 30}} {
		if err := c.Resize(size[0], size[1]); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	var header struct {
		Version, Width, Height int
		Timestamp              int64
		Env                    map[string]string
	}
	if err := json.Unmarshal([]byte(lines[0]), &header); err != nil || header.Version != 2 || header.Width != 80 || header.Height != 24 ||
		header.Timestamp != 1700000000 || header.Env["TERM"] != "xterm-256color" {
		t.Errorf("the header is %s (%v)", lines[0], err)
	}
	said, at := "", 0.0
	for i, line := range lines[1:] {
		var event []any
		if err := json.Unmarshal([]byte(line), &event); err != nil || len(event) != 3 {
			t.Fatalf("line %d is no event: %s", i+2, line)
		}
		seconds, code, data := event[0].(float64), event[1].(string), event[2].(string)
		if seconds < at {
			t.Errorf("line %d goes back in time: %s", i+2, line)
		}
		at = seconds
		switch code {
		case "o":
			if !utf8.ValidString(data) || strings.ContainsRune(data, utf8.RuneError) {
				t.Errorf("line %d tears a character: %s", i+2, line)
			}
			said += data
		case "r":
			if data != "100x30" {
				t.Errorf("resized to %s", data)
			}
		default:
			t.Errorf("line %d has a code of %q", i+2, code)
		}
	}
	if said != whole {
		t.Errorf("it says %q, want %q", said, whole)
	}
	if strings.Count(out.String(), `"r"`) != 1 {
		t.Error("the same size is no change, another one is")
	}
}

// full is a disk without room.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestExportsTellOfAFullDisk(t *testing.T) {
	c, err := export.NewAsciicast(&full{left: 200}, 80, 24, "", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Output(bytes.Repeat([]byte("x"), 500)), c.Output([]byte("y"))); err == nil {
		t.Error("the asciicast says nothing")
	}
	for name, write := range map[string]func(io.Writer, export.Screen) error{"svg": export.SVG, "html": export.HTML, "text": export.Text} {
		if write(&full{}, painted()) == nil {
			t.Errorf("%s says nothing", name)
		}
	}
	if export.Markdown(&full{}, text.Printer{}, export.Trace{}) == nil {
		t.Error("markdown says nothing")
	}
}
