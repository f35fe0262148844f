package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/lessons"
	"github.com/kubestep/kubestep/lessons/schema"
)

// lessonFlags say which lessons there are, and in which language to show them.
type lessonFlags struct {
	dir  string
	lang string
	json bool
}

func (f *lessonFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.addDir(flags)
	flags.StringVar(&f.lang, "lang", "", "language: en or zh (default: the locale's)")
	flags.BoolVar(&f.json, "json", false, "print JSON")
}

func (f *lessonFlags) addDir(flags *pflag.FlagSet) {
	flags.StringVar(&f.dir, "lessons", "", "use the lessons in this `DIR`, one folder each, instead of those of the program")
}

// language returns one of schema.Languages.
func (f *lessonFlags) language() string {
	lang := f.lang
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if lang == "" {
			lang = os.Getenv(name)
		}
	}
	for _, l := range schema.Languages {
		if strings.HasPrefix(strings.ToLower(lang), l) {
			return l
		}
	}
	return schema.Languages[0]
}

// files returns the folder of lessons. A folder of the user's own is opened such that no link leads out of it.
func (f *lessonFlags) files() (fs.FS, error) {
	if f.dir == "" {
		return lessons.FS, nil
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, fmt.Errorf("%w: --lessons: %w", engine.ErrUsage, err)
	}
	return root.FS(), nil
}

// load returns the lessons that can be read, and the problems of the others.
func (f *lessonFlags) load() ([]*schema.Lesson, schema.Problems, error) {
	fsys, err := f.files()
	if err != nil {
		return nil, nil, err
	}
	list, problems := schema.LoadAll(fsys)
	return list, problems, nil
}

// all returns the lessons that can be read, and the problems of all.
func (f *lessonFlags) all() ([]*schema.Lesson, schema.Problems, error) {
	list, problems, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	for _, l := range list {
		problems = append(problems, course.Lint(l)...)
	}
	if len(list) == 0 && len(problems) == 0 {
		return nil, nil, fmt.Errorf("%w: there is no lesson in %s; kubestep lesson new makes one", engine.ErrUsage, f.dir)
	}
	return list, problems, nil
}

// one returns a lesson by its ID.
func (f *lessonFlags) one(id string) (*schema.Lesson, error) {
	list, problems, err := f.all()
	if err != nil {
		return nil, err
	}
	var mine schema.Problems
	for _, p := range problems {
		if strings.HasPrefix(p.File, id+"/") {
			mine = append(mine, p)
		}
	}
	if err := mine.Err(); err != nil {
		return nil, fmt.Errorf("lesson %s has problems:\n%w", id, err)
	}
	for _, l := range list {
		if l.ID == id {
			return l, nil
		}
	}
	var ids []string
	for _, l := range list {
		ids = append(ids, l.ID)
	}
	return nil, fmt.Errorf("%w: there is no lesson %q; there are: %s", engine.ErrUsage, id, strings.Join(ids, ", "))
}

func (a *app) lessonCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lesson",
		Short: "List, show, write and prove lessons",
		Example: `  kubestep lesson list
  kubestep lesson new my-lesson
  kubestep lesson lint --lessons .
  kubestep lesson prove --lessons . my-lesson`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.lessonListCommand(), a.lessonShowCommand(), a.lessonNewCommand(), a.lessonLintCommand(), a.lessonProveCommand(), a.lessonPreviewCommand())
	return cmd
}

// lessonLine is a lesson in `kubestep lesson list --json`.
type lessonLine struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Level      string   `json:"level"`
	Minutes    int      `json:"minutes"`
	Topics     []string `json:"topics"`
	Requires   []string `json:"requires,omitempty"`
	Objectives []string `json:"objectives"`
	Steps      int      `json:"steps"`
	Questions  int      `json:"questions"`
}

func lineOf(l *schema.Lesson, lang string) lessonLine {
	return lessonLine{l.ID, l.Title.In(lang), l.Level, l.Minutes, l.Topics, l.Requires, l.Objectives[lang], len(l.Steps), len(l.Quiz)}
}

func (a *app) lessonListCommand() *cobra.Command {
	var f lessonFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the lessons", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, problems, err := f.all()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			for _, l := range list {
				if f.json {
					err = errors.Join(err, writeJSON(out, lineOf(l, f.language())))
					continue
				}
				fmt.Fprintf(w, "%s\t%s\t%d min\t%d steps\t%s\n", l.ID, l.Level, l.Minutes, len(l.Steps), l.Title.In(f.language()))
			}
			return errors.Join(err, w.Flush(), problems.Err())
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) lessonShowCommand() *cobra.Command {
	var (
		f    lessonFlags
		file string
	)
	cmd := &cobra.Command{
		Use: "show LESSON", Short: "Print a lesson to read, or one of its files", Args: args(cobra.ExactArgs(1)),
		Example: `  kubestep lesson show first-pod
  kubestep lesson show first-pod --file lost.yaml | kubestep kubectl apply -f -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := f.one(args[0])
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if file != "" {
				raw, ok := l.File(file)
				if !ok {
					return fmt.Errorf("%w: lesson %s has no file %q; it has %s", engine.ErrUsage, l.ID, file, strings.Join(l.Manifests(), ", "))
				}
				_, err := out.Write(raw)
				return err
			}
			if f.json {
				return writeJSON(out, lineOf(l, f.language()))
			}
			return showLesson(out, l, f.language())
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&file, "file", "", "print this `FILE` of the lesson, such as a manifest")
	return cmd
}

func showLesson(w io.Writer, l *schema.Lesson, lang string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", l.Title.In(lang), l.Intro.In(lang))
	for _, o := range l.Objectives[lang] {
		fmt.Fprintf(&b, "- %s\n", o)
	}
	for i, s := range course.Path(l) {
		fmt.Fprintf(&b, "\n## %d. %s\n\n%s\n", i+1, s.Title.In(lang), s.Body.In(lang))
		if s.Predict != nil {
			fmt.Fprintf(&b, "\n%s\n", s.Predict.Question.In(lang))
			for _, o := range s.Predict.Options {
				fmt.Fprintf(&b, "  ( ) %s\n", o.Text.In(lang))
			}
		}
		if !s.Hidden {
			for _, c := range s.Do {
				fmt.Fprintf(&b, "\n    $ %s\n", c.Line)
			}
		}
		for _, c := range s.Checks {
			fmt.Fprintf(&b, "\n[ ] %s\n", c.Label.In(lang))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *app) lessonLintCommand() *cobra.Command {
	var f lessonFlags
	cmd := &cobra.Command{
		Use: "lint [LESSON...]", Short: "Say what is wrong with lessons, without a lab",
		RunE: func(cmd *cobra.Command, only []string) error {
			list, problems, err := f.all()
			if err != nil {
				return err
			}
			bad := 0
			for _, p := range problems {
				id, _, _ := strings.Cut(p.File, "/")
				if len(only) > 0 && !slices.Contains(only, id) {
					continue
				}
				bad++
				if f.json {
					err = errors.Join(err, writeJSON(cmd.OutOrStdout(), p))
				} else {
					fmt.Fprintln(cmd.OutOrStdout(), p)
				}
			}
			if bad > 0 {
				return errors.Join(err, fmt.Errorf("problems: %d", bad))
			}
			if !f.json {
				fmt.Fprintf(cmd.OutOrStdout(), "lessons: %d, no problems\n", len(list))
			}
			return err
		},
	}
	f.add(cmd)
	return cmd
}
