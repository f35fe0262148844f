package quiz

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kubestep/kubestep/lessons/schema"
)

// GIFT is Moodle's text form of questions: https://docs.moodle.org/en/GIFT_format. It has no questions to be put in order
// and none that are answered from a lab; these are left out, and counted.

var giftEscape = strings.NewReplacer(`\`, `\\`, "~", `\~`, "=", `\=`, "#", `\#`, "{", `\{`, "}", `\}`, ":", `\:`, "\n", `\n`)

// WriteGIFT writes questions in one language and returns how many had no form in GIFT.
func WriteGIFT(w io.Writer, items []Item, lang string) (left int, err error) {
	out := bufio.NewWriter(w)
	topic := ""
	for _, i := range items {
		body, ok := giftAnswers(i.Question, lang)
		if !ok {
			left++
			continue
		}
		if i.Topic != topic {
			topic = i.Topic
			fmt.Fprintf(out, "$CATEGORY: %s\n\n", topic)
		}
		fmt.Fprintf(out, "::%s::%s {\n%s", giftEscape.Replace(i.Key()), giftEscape.Replace(i.Ask.In(lang)), body)
		if why := i.Why.In(lang); why != "" {
			fmt.Fprintf(out, "\t####%s\n", giftEscape.Replace(why))
		}
		fmt.Fprint(out, "}\n\n")
	}
	return left, out.Flush()
}

func giftAnswers(q *schema.Question, lang string) (string, bool) {
	if q.Live || q.Kind == schema.Order {
		return "", false
	}
	var b strings.Builder
	line := func(mark, text string, feedback schema.Text) {
		fmt.Fprintf(&b, "\t%s%s", mark, text)
		if f := feedback.In(lang); f != "" {
			fmt.Fprintf(&b, "#%s", giftEscape.Replace(f))
		}
		b.WriteByte('\n')
	}
	switch q.Kind {
	case schema.One, schema.Several:
		wrong := len(q.Options) - len(q.Answer)
		for _, o := range q.Options {
			right := slices.Contains(q.Answer, o.ID)
			mark := "~"
			switch {
			case q.Kind == schema.One && right:
				mark = "="
			case q.Kind == schema.Several && right:
				mark = fmt.Sprintf("~%%%s%%", percent(len(q.Answer)))
			case q.Kind == schema.Several:
				mark = fmt.Sprintf("~%%-%s%%", percent(max(wrong, len(q.Answer))))
			}
			line(mark, giftEscape.Replace(o.Text.In(lang)), o.Feedback)
		}
	case schema.Number:
		fmt.Fprintf(&b, "\t#=%s:%s\n", giftNumber(q.Number), giftNumber(q.Tolerance))
	case schema.TextKey:
		for _, a := range q.Answer {
			line("=", giftEscape.Replace(a), nil)
		}
		for _, o := range q.Options {
			line("~%0%", giftEscape.Replace(q.Wrong[o.ID]), o.Feedback)
		}
	case schema.Match:
		text := func(id string) string {
			i := slices.IndexFunc(q.Options, func(o schema.Option) bool { return o.ID == id })
			return giftEscape.Replace(q.Options[i].Text.In(lang))
		}
		for _, o := range q.Options {
			if right, ok := q.Pairs[o.ID]; ok {
				fmt.Fprintf(&b, "\t=%s -> %s\n", text(o.ID), text(right))
			}
		}
	}
	return b.String(), true
}

func giftNumber(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func percent(n int) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(100/float64(n), 'f', 5, 64), "0"), ".")
}

// ReadGIFT reads questions. Their texts are put under lang; identifiers are made from their order. The error names the
// line of the first question that has no form here.
func ReadGIFT(r io.Reader, lang string) ([]*schema.Question, error) {
	raw, err := io.ReadAll(io.LimitReader(r, 4<<20))
	if err != nil {
		return nil, fmt.Errorf("read GIFT: %w", err)
	}
	g := &gift{lang: lang}
	line, start := 0, 0
	var block []string
	flush := func() error {
		defer func() { block = nil }()
		if text := strings.TrimSpace(strings.Join(block, "\n")); text != "" {
			if err := g.question(text); err != nil {
				return fmt.Errorf("GIFT, line %d: %w", start, err)
			}
		}
		return nil
	}
	for text := range strings.SplitSeq(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n") {
		line++
		trimmed := strings.TrimSpace(text)
		if rest, ok := strings.CutPrefix(trimmed, "$CATEGORY:"); ok {
			if err := flush(); err != nil {
				return nil, err
			}
			g.topic = strings.TrimSpace(rest)
			continue
		}
		switch {
		case trimmed == "":
			if err := flush(); err != nil {
				return nil, err
			}
		case strings.HasPrefix(trimmed, "//"):
		default:
			if len(block) == 0 {
				start = line
			}
			block = append(block, text)
		}
	}
	return g.questions, flush()
}

type gift struct {
	lang, topic string
	questions   []*schema.Question
}

// cut splits s at the first sep that no backslash is before.
func cut(s, sep string) (before, after string, found bool) {
	for i := 0; i+len(sep) <= len(s); i++ {
		if s[i] == '\\' {
			i++
			continue
		}
		if s[i:i+len(sep)] == sep {
			return s[:i], s[i+len(sep):], true
		}
	}
	return s, "", false
}

var giftUnescape = strings.NewReplacer(`\\`, `\`, `\~`, "~", `\=`, "=", `\#`, "#", `\{`, "{", `\}`, "}", `\:`, ":", `\n`, "\n")

func (g *gift) text(s string) schema.Text {
	return schema.Text{g.lang: giftUnescape.Replace(strings.TrimSpace(s))}
}

func (g *gift) question(block string) error {
	q := &schema.Question{ID: fmt.Sprintf("q%d", len(g.questions)+1), Topic: g.topic}
	if rest, ok := strings.CutPrefix(block, "::"); ok {
		_, after, found := cut(rest, "::")
		if !found {
			return errors.New("the title has no second ::")
		}
		block = after
	}
	stem, rest, found := cut(block, "{")
	if !found {
		return errors.New("there is no { with answers")
	}
	body, tail, found := cut(rest, "}")
	if !found {
		return errors.New("the { is not closed")
	}
	if strings.TrimSpace(tail) != "" {
		stem += " ___ " + tail
	}
	q.Ask = g.text(stem)
	body, why, _ := cut(body, "####")
	q.Why = g.text(why)
	if err := g.answers(q, strings.TrimSpace(body)); err != nil {
		return err
	}
	g.questions = append(g.questions, q)
	return nil
}

// mark is one "=" or "~" of a question with what follows it.
type mark struct {
	right          bool
	text, feedback string
	weight         float64 // in percent; 0 when none is given
	weighted       bool
}

func marks(body string) ([]mark, error) {
	var out []mark
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '=', '~':
			end := i + 1
			for end < len(body) && body[end] != '=' && body[end] != '~' {
				if body[end] == '\\' {
					end++
				}
				end++
			}
			m := mark{right: body[i] == '='}
			m.text, m.feedback, _ = cut(body[i+1:min(end, len(body))], "#")
			if rest, ok := strings.CutPrefix(strings.TrimSpace(m.text), "%"); ok {
				weight, text, found := strings.Cut(rest, "%")
				x, err := strconv.ParseFloat(weight, 64)
				if !found || err != nil {
					return nil, fmt.Errorf("%q is no weight", weight)
				}
				m.text, m.weight, m.weighted = text, x, true
			}
			out = append(out, m)
			i = end - 1
		}
	}
	return out, nil
}

func (g *gift) answers(q *schema.Question, body string) error {
	switch strings.ToUpper(body) {
	case "T", "TRUE", "F", "FALSE":
		q.Kind, q.Answer = schema.One, []string{strings.ToLower(body)[:1]}
		q.Options = []schema.Option{{ID: "t", Text: schema.Text{g.lang: "true"}}, {ID: "f", Text: schema.Text{g.lang: "false"}}}
		return nil
	case "":
		return errors.New("it has no answers: essays cannot be judged")
	}
	if rest, ok := strings.CutPrefix(body, "#"); ok {
		q.Kind = schema.Number
		value, tolerance, _ := strings.Cut(strings.TrimLeft(strings.TrimSpace(rest), "="), ":")
		var err error
		if q.Number, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && tolerance != "" {
			q.Tolerance, err = strconv.ParseFloat(strings.TrimSpace(tolerance), 64)
		}
		if err != nil {
			return fmt.Errorf("%q is no number with a tolerance", rest)
		}
		return nil
	}
	list, err := marks(body)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("%q holds no answers", body)
	}
	return g.choices(q, list)
}

func (g *gift) choices(q *schema.Question, list []mark) error {
	pairs, wrong, several := true, false, false
	for _, m := range list {
		_, _, arrow := cut(m.text, "->")
		pairs = pairs && arrow && m.right
		wrong = wrong || !m.right && !(m.weighted && m.weight == 0)
		several = several || !m.right && m.weight > 0
	}
	option := func(id, text, feedback string) {
		q.Options = append(q.Options, schema.Option{ID: id, Text: g.text(text), Feedback: g.text(feedback)})
	}
	switch {
	case pairs:
		q.Kind, q.Pairs = schema.Match, map[string]string{}
		for n, m := range list {
			left, right, _ := cut(m.text, "->")
			a, b := fmt.Sprintf("a%d", n+1), fmt.Sprintf("b%d", n+1)
			option(a, left, "")
			option(b, right, "")
			q.Pairs[a] = b
		}
	case !wrong:
		q.Kind, q.Wrong = schema.TextKey, map[string]string{}
		for n, m := range list {
			text := giftUnescape.Replace(strings.TrimSpace(m.text))
			if m.right {
				q.Answer = append(q.Answer, text)
				continue
			}
			id := fmt.Sprintf("w%d", n+1)
			option(id, m.text, m.feedback)
			q.Wrong[id] = text
		}
	default:
		q.Kind = schema.One
		if several {
			q.Kind = schema.Several
		}
		for n, m := range list {
			id := fmt.Sprintf("o%d", n+1)
			option(id, m.text, m.feedback)
			if m.right || m.weight > 0 {
				q.Answer = append(q.Answer, id)
			}
		}
	}
	if q.Kind != schema.Match && len(q.Answer) == 0 {
		return errors.New("no answer is right")
	}
	return nil
}
