package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/check"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/engine/progress"
	"github.com/kubestep/kubestep/engine/quiz"
	"github.com/kubestep/kubestep/lessons/schema"
)

// quizFlags pick questions.
type quizFlags struct {
	lessonFlags
	lesson string
	topics []string
}

func (f *quizFlags) add(cmd *cobra.Command) {
	f.lessonFlags.add(cmd)
	cmd.Flags().StringVar(&f.lesson, "lesson", "", "only questions of this `LESSON`")
	cmd.Flags().StringSliceVar(&f.topics, "topic", nil, "only questions about these `TOPICS`")
}

// items returns the questions; lessons that the learner has begun have the values of that attempt.
func (a *app) items(f *quizFlags) ([]quiz.Item, error) {
	var list []*schema.Lesson
	if f.lesson != "" {
		l, err := f.one(f.lesson)
		if err != nil {
			return nil, err
		}
		list = []*schema.Lesson{l}
	} else {
		all, problems, err := f.all()
		if err := errors.Join(err, problems.Err()); err != nil {
			return nil, err
		}
		list = all
	}
	for i, l := range list {
		var attempt course.State
		if ok, err := a.progress().Get(progress.Lessons, l.ID, &attempt); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		if with, err := l.With(attempt.Values); err == nil { // an attempt at an older edition has values of its own
			list[i] = with
		}
	}
	return quiz.Items(list, f.topics...), nil
}

func (a *app) quizCommand() *cobra.Command {
	var (
		f      quizFlags
		review bool
		exam   int
		seed   uint64
	)
	cmd := &cobra.Command{
		Use:   "quiz",
		Short: "List questions, answer them, keep scores",
		Long: `List questions: all, those about a topic, those that are due to come back (--review), or an exam of so many (--exam).

An answer is an option, or several; a number; a word; all options in order; or left=right for each pair. Live questions
are answered from the running lab.`,
		Example: `  kubestep quiz --json | jq -r .key
  kubestep quiz answer first-pod/who-decides scheduler
  kubestep quiz --review
  kubestep quiz scores --csv > scores.csv
  kubestep quiz export > questions.gift`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("exam") && exam < 1 {
				return usage(cmd, fmt.Errorf("an exam has at least 1 question, not %d", exam))
			}
			items, err := a.items(&f)
			if err != nil {
				return err
			}
			if len(items) == 0 {
				return usage(cmd, errors.New("no question is about this; kubestep quiz --json names the topics"))
			}
			if review {
				records, err := a.records(items)
				if err != nil {
					return err
				}
				items = quiz.Review(items, records, time.Now())
			}
			if cmd.Flags().Changed("exam") {
				items = quiz.Exam(items, exam, seed)
			}
			return listQuestions(cmd.OutOrStdout(), items, f.lessonFlags)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&review, "review", false, "only questions that were missed and are due again")
	cmd.Flags().IntVar(&exam, "exam", 0, "only so many, mixed over topics")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "draw the exam with this number")
	cmd.AddCommand(a.quizAnswerCommand(), a.quizScoresCommand(), a.quizExportCommand(), quizImportCommand())
	return cmd
}

// questionLine is a question in `kubestep quiz --json`.
type questionLine struct {
	Key     string       `json:"key"`
	Kind    string       `json:"kind"`
	Live    bool         `json:"live,omitempty"`
	Topic   string       `json:"topic"`
	Ask     string       `json:"ask"`
	Options []optionLine `json:"options,omitempty"`
}

type optionLine struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func listQuestions(out io.Writer, items []quiz.Item, f lessonFlags) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	lang := f.language()
	var err error
	for _, i := range items {
		if !f.json {
			kind := i.Kind
			if i.Live {
				kind += ", live"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", i.Key(), kind, strings.ReplaceAll(i.Ask.In(lang), "\n", " "))
			continue
		}
		line := questionLine{Key: i.Key(), Kind: i.Kind, Live: i.Live, Topic: i.Topic, Ask: i.Ask.In(lang)}
		for _, o := range i.Options {
			if i.Wrong[o.ID] == "" { // not an answer that only has words of its own
				line.Options = append(line.Options, optionLine{o.ID, o.Text.In(lang)})
			}
		}
		err = errors.Join(err, writeJSON(out, line))
	}
	return errors.Join(err, w.Flush())
}

func (a *app) records(items []quiz.Item) (map[string]quiz.Record, error) {
	store, out := a.progress(), map[string]quiz.Record{}
	for _, i := range items {
		var r quiz.Record
		ok, err := store.Get(progress.Quiz, i.Key(), &r)
		if err != nil {
			return nil, err
		}
		if ok {
			out[i.Key()] = r
		}
	}
	return out, nil
}

// judged is what `kubestep quiz answer --json` prints.
type judged struct {
	quiz.Judgement
	Key      string   `json:"key"`
	Feedback []string `json:"feedback,omitempty"`
	Why      string   `json:"why"`
	SeeStep  string   `json:"seeStep,omitempty"`
	SeeEvent string   `json:"seeEvent,omitempty"`
}

func (a *app) quizAnswerCommand() *cobra.Command {
	var f quizFlags
	cmd := &cobra.Command{
		Use: "answer QUESTION ANSWER...", Short: "Answer a question: exit code 0 when it is right, 1 when not",
		Args: args(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			items, err := a.items(&f)
			if err != nil {
				return err
			}
			for _, i := range items {
				if i.Key() == args[0] {
					return a.answer(cmd.Context(), cmd.OutOrStdout(), i, args[1:], f.lessonFlags)
				}
			}
			return fmt.Errorf("%w: there is no question %q; kubestep quiz lists them", engine.ErrUsage, args[0])
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) answer(ctx context.Context, out io.Writer, item quiz.Item, given []string, f lessonFlags) error {
	truth, err := a.truth(ctx, item)
	if errors.Is(err, quiz.ErrNoAnswer) {
		return fmt.Errorf("this lab has not seen what is asked about: play lesson %s in it first (%w)", item.Lesson.ID, err)
	}
	if err != nil {
		return err
	}
	j, err := quiz.Judge(item.Question, truth, given)
	if err != nil {
		return fmt.Errorf("%w: %w", engine.ErrUsage, err)
	}
	records, err := a.records([]quiz.Item{item})
	if err != nil {
		return err
	}
	next := records[item.Key()].Add(quiz.Try{Time: time.Now().UTC(), Answer: given, Score: j.Score})
	if err := a.progress().Put(progress.Quiz, map[string]any{item.Key(): next}); err != nil {
		return err
	}
	lang := f.language()
	line := judged{Judgement: j, Key: item.Key(), Why: j.Why.In(lang), SeeStep: j.See.Step, SeeEvent: j.See.Event}
	for _, t := range j.Feedback {
		line.Feedback = append(line.Feedback, t.In(lang))
	}
	if f.json {
		err = writeJSON(out, line)
	} else {
		verdict := "right"
		if !j.Right {
			verdict = fmt.Sprintf("%.0f %%; right is: %s", 100*j.Score, strings.Join(j.Truth, " "))
		}
		_, err = fmt.Fprintf(out, "%s\n%s%s\n", verdict, strings.Join(append(line.Feedback, ""), "\n"), line.Why)
	}
	if err == nil && !j.Right {
		return errTold
	}
	return err
}

// truth returns the right answer, for a live question from the running lab.
func (a *app) truth(ctx context.Context, item quiz.Item) (quiz.Truth, error) {
	if !item.Live {
		return quiz.TruthOf(item.Question, nil)
	}
	lab, err := a.connect(ctx)
	if err != nil {
		return quiz.Truth{}, fmt.Errorf("a live question is answered from the running lab: %w", err)
	}
	defer lab.Close()
	if _, err := ready(ctx, lab, nil); err != nil {
		return quiz.Truth{}, err
	}
	if err := lab.Debugger().Settle(ctx, settled); err != nil {
		return quiz.Truth{}, err
	}
	w := check.NewWorld()
	w.Observe(lab.Events().Since(0).Events)
	return quiz.TruthOf(item.Question, w)
}

func (a *app) quizScoresCommand() *cobra.Command {
	var (
		f     quizFlags
		asCSV bool
	)
	cmd := &cobra.Command{
		Use: "scores", Short: "Print every answer that was given, with its score", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			items, err := a.items(&f)
			if err != nil {
				return err
			}
			records, err := a.records(items)
			if err != nil {
				return err
			}
			rows := quiz.Rows(items, records)
			if asCSV {
				return quiz.WriteCSV(cmd.OutOrStdout(), rows)
			}
			for _, r := range rows {
				if f.json {
					err = errors.Join(err, writeJSON(cmd.OutOrStdout(), r))
				} else {
					fmt.Fprintf(cmd.OutOrStdout(), "%s  %3.0f %%  %s\n", r.Time.Local().Format(time.DateTime), 100*r.Score, r.Question)
				}
			}
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV")
	return cmd
}

func (a *app) quizExportCommand() *cobra.Command {
	var f quizFlags
	cmd := &cobra.Command{
		Use: "export", Short: "Print questions as GIFT, for Moodle and others", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			items, err := a.items(&f)
			if err != nil {
				return err
			}
			left, err := quiz.WriteGIFT(cmd.OutOrStdout(), items, f.language())
			if left > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d questions left out: GIFT has no live questions and none to be put in order\n", left)
			}
			return err
		},
	}
	f.add(cmd)
	return cmd
}

func quizImportCommand() *cobra.Command {
	var f lessonFlags
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Read questions in GIFT and print them as a lesson has them", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("%w: %w", engine.ErrUsage, err)
			}
			defer file.Close()
			questions, err := quiz.ReadGIFT(file, f.language())
			if err != nil {
				return err
			}
			yaml, prose := quiz.AsLesson(questions, f.language())
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "# lesson.yaml\n%s\n# %s.md, below the second heading of the first level\n%s", yaml, f.language(), prose)
			return err
		},
	}
	f.add(cmd)
	return cmd
}
