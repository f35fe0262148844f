package schema

import (
	"path"
	"slices"
)

// prose reads each language's file into the texts of steps and questions.
func (ld *loader) prose() {
	l := ld.l
	l.Title, l.Intro, l.Objectives = Text{}, Text{}, map[string][]string{}
	for i, lang := range Languages {
		r := reader{path.Join(l.dir, lang+".md"), &ld.problems}
		p := r.parseMarkdown(substitute(l.files[lang+".md"], l.Values))
		if p.title == "" {
			continue
		}
		l.Title[lang], l.Intro[lang], l.Objectives[lang] = p.title, p.intro, p.objectives
		if p.intro == "" {
			r.report(Pos{r.file, p.line}, "say below the title what the lesson is about", "the lesson has no introduction")
		}
		if len(p.objectives) == 0 {
			r.report(Pos{r.file, p.line}, `add lines "- what one can do afterwards" below the title`, "the lesson has no objectives")
		}
		if i > 0 && len(p.objectives) != len(l.Objectives[Languages[0]]) {
			r.report(Pos{r.file, p.line}, "translate each", "there are %d objectives, %d in %s.md", len(p.objectives), len(l.Objectives[Languages[0]]), Languages[0])
		}
		r.sections(p.steps, "step", stepIDs(l.Steps))
		r.sections(p.quiz, "question", questionIDs(l.Quiz))
		for _, s := range l.Steps {
			if sec := find(p.steps, s.ID); sec != nil {
				r.stepProse(s, sec, lang)
			}
		}
		for _, q := range l.Quiz {
			if sec := find(p.quiz, q.ID); sec != nil {
				r.questionProse(q, sec, lang)
			}
		}
	}
}

func stepIDs(steps []*Step) (ids []string) {
	for _, s := range steps {
		ids = append(ids, s.ID)
	}
	return ids
}

func questionIDs(quiz []*Question) (ids []string) {
	for _, q := range quiz {
		ids = append(ids, q.ID)
	}
	return ids
}

// sections reports sections that are missing, doubled, unknown or in another order than lesson.yaml's.
func (r reader) sections(have []*section, what string, want []string) {
	var got []string
	for _, s := range have {
		switch {
		case s.id == "":
		case slices.Contains(got, s.id):
			r.report(Pos{r.file, s.line}, "keep one of them", "%s %q is there twice", what, s.id)
		case !slices.Contains(want, s.id):
			r.report(Pos{r.file, s.line}, orElse(oneOf(s.id, want), "remove it"), "lesson.yaml has no %s %q", what, s.id)
		default:
			got = append(got, s.id)
		}
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			head := `add "## ` + id + `: Title" and its text`
			if what == "question" {
				head = `add "## ` + id + `" and its text after the second "# " heading`
			}
			r.report(Pos{r.file, 1}, head, "%s %q is missing", what, id)
		}
	}
	if len(got) == len(want) && !slices.Equal(got, want) {
		r.report(Pos{r.file, have[0].line}, "put them in the order of lesson.yaml", "the %ss are in another order than in lesson.yaml", what)
	}
}

func (r reader) stepProse(s *Step, sec *section, lang string) {
	set(&s.Title, lang, sec.title)
	r.need(&s.Body, lang, sec.body, sec.line, "step "+s.ID+" has no text")
	if sl := sec.slot("predict", ""); s.Predict != nil {
		if sl == nil {
			r.report(Pos{r.file, sec.line}, `add "### predict" with the question and its options`, "step %s has no words for its prediction", s.ID)
		} else {
			r.need(&s.Predict.Question, lang, sl.body, sl.line, "the prediction has no question")
			r.options(s.Predict.Options, sl.items, lang, sl.line, func(id string) bool { return s.Predict.Answer != "" && id != s.Predict.Answer })
		}
	} else if sl != nil {
		r.report(Pos{r.file, sl.line}, "remove it, or add predict to lesson.yaml", "lesson.yaml has no prediction in step %s", s.ID)
	}
	var wrongs []string
	for _, c := range s.Checks {
		for _, w := range c.Wrong {
			wrongs = append(wrongs, w.ID)
		}
		sl := sec.slot("check", c.ID)
		if sl == nil {
			r.report(Pos{r.file, sec.line}, `add "### check `+c.ID+`" with what is to be reached and "- todo: ..."`, "step %s has no words for its check %q", s.ID, c.ID)
			continue
		}
		r.checkProse(c, sl, lang)
	}
	r.hints(s, sec, lang, wrongs)
	if sl := sec.slot("why", ""); sl != nil {
		r.need(&s.Why, lang, sl.body, sl.line, "this part is empty")
	} else if s.Predict != nil || len(s.Checks) > 0 {
		r.report(Pos{r.file, sec.line}, `add "### why" with what happened and why`, "step %s has no debrief", s.ID)
	}
	for _, sl := range sec.slots {
		if !sl.used && contains(slotNames, sl.name) && sl.name != "predict" {
			r.report(Pos{r.file, sl.line}, "remove it, or give it the name that lesson.yaml has", "%s %q of step %s belongs to nothing", sl.name, sl.arg, s.ID)
		}
	}
}

func set(t *Text, lang, s string) {
	if *t == nil {
		*t = Text{}
	}
	(*t)[lang] = s
}

func (r reader) need(t *Text, lang, s string, line int, missing string) {
	set(t, lang, s)
	if s == "" {
		r.report(Pos{r.file, line}, "write it below the heading", "%s", missing)
	}
}

func (r reader) checkProse(c *Check, sl *slot, lang string) {
	r.need(&c.Label, lang, sl.body, sl.line, "check "+c.ID+" does not say what is to be reached")
	say := func(t *Text, id string) {
		for _, it := range sl.items {
			if it.id == id {
				it.used = true
				r.need(t, lang, it.text, it.line, "the message is empty")
				return
			}
		}
		r.report(Pos{r.file, sl.line}, `add "- `+id+`: ..."`, "check %s has no message %q", c.ID, id)
	}
	say(&c.Todo, "todo")
	for i := range c.Wrong {
		say(&c.Wrong[i].Say, c.Wrong[i].ID)
	}
	for _, it := range sl.items {
		if !it.used {
			r.report(Pos{r.file, it.line}, "remove it, or add it to lesson.yaml's wrong", "check %s has no way of being wrong %q", c.ID, it.id)
		}
	}
}

// hints reads the ladder; its rungs are in the files of all languages, in the same order.
func (r reader) hints(s *Step, sec *section, lang string, wrongs []string) {
	n := 0
	for _, sl := range sec.slots {
		if sl.name != "hint" {
			continue
		}
		sl.used = true
		if sl.arg != "" && !contains(wrongs, sl.arg) {
			r.report(Pos{r.file, sl.line}, orElse(oneOf(sl.arg, wrongs), "remove the name"), "the hint is for %q, which no check of step %s says", sl.arg, s.ID)
		}
		if lang == Languages[0] {
			s.Hints = append(s.Hints, Hint{After: sl.arg})
		}
		if n < len(s.Hints) {
			if s.Hints[n].After != sl.arg {
				r.report(Pos{r.file, sl.line}, "put the hints in the same order in every language", "this hint is for %q, in %s.md for %q", sl.arg, Languages[0], s.Hints[n].After)
			}
			r.need(&s.Hints[n].Text, lang, sl.body, sl.line, "the hint is empty")
		}
		n++
	}
	if n != len(s.Hints) {
		r.report(Pos{r.file, sec.line}, "translate each", "step %s has %d hints, %d in %s.md", s.ID, n, len(s.Hints), Languages[0])
	}
	if n == 0 && len(s.Solve) > 0 {
		r.report(Pos{r.file, sec.line}, `add "### hint" and a first nudge`, "step %s has no hint", s.ID)
	}
}

// options reads what options say. Those for which wrong is true need feedback.
func (r reader) options(options []Option, items []*item, lang string, line int, wrong func(id string) bool) {
	for i := range options {
		o := &options[i]
		at := slices.IndexFunc(items, func(it *item) bool { return it.id == o.ID })
		if at < 0 {
			r.report(Pos{r.file, line}, `add "- `+o.ID+`: ..."`, "the option %q has no text", o.ID)
			continue
		}
		it := items[at]
		if it.used {
			continue
		}
		it.used = true
		r.need(&o.Text, lang, it.text, it.line, "the option has no text")
		set(&o.Feedback, lang, it.feedback)
		if it.feedback == "" && wrong(o.ID) {
			r.report(Pos{r.file, it.line}, `add a line "  > why that is wrong"`, "the wrong answer %q has no feedback", o.ID)
		}
	}
	for _, it := range items {
		if !it.used {
			r.report(Pos{r.file, it.line}, orElse(oneOf(it.id, optionIDs(options)), "remove it"), "there is no option %q", it.id)
		}
	}
}

func (r reader) questionProse(q *Question, sec *section, lang string) {
	r.need(&q.Ask, lang, sec.body, sec.line, "question "+q.ID+" has no text")
	r.options(q.Options, sec.items, lang, sec.line, func(id string) bool {
		switch q.Kind {
		case One, Several:
			return !q.Live && !contains(q.Answer, id)
		case Number, TextKey:
			return true
		}
		return false
	})
	if sl := sec.slot("why", ""); sl != nil {
		r.need(&q.Why, lang, sl.body, sl.line, "this part is empty")
	} else {
		r.report(Pos{r.file, sec.line}, `add "### why" with the explanation`, "question %q has no explanation", q.ID)
	}
}
