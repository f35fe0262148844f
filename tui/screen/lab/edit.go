package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/tui/text"
)

// draft is a text in the reader's editor.
type draft struct {
	title string // what it is of: "Deployment default/web"
	file  string
	// original is the text without comments before the reader changed it.
	original string
	// verb is what kubectl does with the file: "replace" or "apply".
	verb string
	// refused is why it was not accepted the last time.
	refused string
}

// editable returns the object that the reader has selected; ok is false when that is none.
func (m *Lab) editable() (o trace.Object, ok bool) {
	sel := m.selection()
	for i := range m.debug.Held {
		if sel.Held != 0 && m.debug.Held[i].ID == sel.Held {
			o = m.debug.Held[i].Event.Object
		}
	}
	if o.IsZero() {
		if e, found := m.o.Store.Get(sel.Seq); found {
			o = e.Object
		}
	}
	return o, o.Kind != "" && o.Name != ""
}

// kindArgument names a kind so that kubectl cannot take it for another group's: "Deployment.v1.apps", "Pod".
func kindArgument(o trace.Object) string {
	group, version, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return o.Kind
	}
	return o.Kind + "." + version + "." + group
}

// title names an object for a reader.
func title(o trace.Object) string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// editSelected opens the selected object in the reader's editor, or the text that was refused.
func (m *Lab) editSelected() tea.Cmd {
	o, ok := m.editable()
	if !ok {
		m.notice = notice{true, m.say.T(text.EditNothing)}
		return nil
	}
	d := draft{title: title(o), verb: "replace"}
	if kept, ok := m.machine.drafts[d.title]; ok {
		return m.reopen(kept)
	}
	args := []string{"get", kindArgument(o), o.Name, "-o", "yaml"}
	if o.Namespace != "" {
		args = append(args, "-n", o.Namespace)
	}
	do := m.o.Kubectl
	m.notice = notice{text: m.say.T(text.EditGet, d.title)}
	name := "drafts/" + strings.ToLower(o.Kind) + "-" + o.Name + ".yaml"
	return m.write(&d, name, func(ctx context.Context) (string, error) {
		yaml, err := do(ctx, args)
		if err != nil {
			return "", errors.Join(err, errors.New(strings.TrimSpace(yaml)))
		}
		return withoutVersion(yaml), nil
	})
}

// resourceVersion is the line of an object's metadata as kubectl prints it.
var resourceVersion = regexp.MustCompile(`(?m)^  resourceVersion: .*\n`)

// withoutVersion takes the resourceVersion away: kubectl replace then takes the one that the object has at that moment,
// so that what changed meanwhile in the status is no conflict. The UID stays, so an object of the same name that was made
// meanwhile is one.
func withoutVersion(yaml string) string { return resourceVersion.ReplaceAllString(yaml, "") }

// manifest returns the file of the lesson that the step is about: the first that its commands name, or else the lesson's
// first. name is "" when there is none.
func (m *Lab) manifest() (name string, yaml []byte) {
	s := m.lesson.session
	if s == nil {
		return "", nil
	}
	l, all := s.Lesson(), s.Lesson().Manifests()
	for _, c := range slices.Concat(m.lesson.now.View.Do, m.lesson.now.View.Solution) {
		for _, arg := range c.Args {
			if slices.Contains(all, arg) {
				yaml, _ = l.File(arg)
				return arg, yaml
			}
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	yaml, _ = l.File(all[0])
	return all[0], yaml
}

// editManifest opens the step's manifest in the reader's editor; what the reader changes in it is applied.
func (m *Lab) editManifest() tea.Cmd {
	name, yaml := m.manifest()
	d := draft{title: name, verb: "apply"}
	if kept, ok := m.machine.drafts[d.title]; ok {
		return m.reopen(kept)
	}
	return m.write(&d, "drafts/"+m.lesson.session.Lesson().ID+"-"+name, func(context.Context) (string, error) { return string(yaml), nil })
}

// write makes d's file and opens it.
func (m *Lab) write(d *draft, name string, get func(ctx context.Context) (string, error)) tea.Cmd {
	keep, head := m.o.Host.Keep, comment(m.say.T(text.EditHead))
	return m.outside(func(ctx context.Context) error {
		yaml, err := get(ctx)
		if err != nil {
			return err
		}
		d.original = body(yaml)
		d.file, err = keep(name, func(w io.Writer) error {
			_, err := io.WriteString(w, head+yaml)
			return err
		})
		return err
	}, func(m *Lab, err error) tea.Cmd {
		if err != nil {
			m.notice = notice{true, m.say.T(text.EditGetFailed, d.title, err)}
			return nil
		}
		return m.openEditor(*d)
	})
}

// reopen opens a text that was refused, with the reason on top.
func (m *Lab) reopen(d draft) tea.Cmd {
	head := comment(m.say.T(text.EditHead))
	if d.refused != "" {
		head += comment(m.say.T(text.EditAgain)) + comment(d.refused)
	}
	return m.outside(func(context.Context) error {
		raw, err := os.ReadFile(d.file)
		if err != nil {
			return err
		}
		return os.WriteFile(d.file, []byte(head+body(string(raw))), 0o600)
	}, func(m *Lab, err error) tea.Cmd {
		delete(m.machine.drafts, d.title) // without its file, the next try begins anew
		if err != nil {
			m.notice = notice{true, m.say.T(text.EditGetFailed, d.title, err)}
			return nil
		}
		return m.openEditor(d)
	})
}

// comment returns s as lines that are no YAML.
func comment(s string) string {
	return "# " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n# ") + "\n"
}

// body returns a text without the comments that it begins with.
func body(yaml string) string {
	for strings.HasPrefix(yaml, "#") {
		_, yaml, _ = strings.Cut(yaml, "\n")
	}
	return yaml
}

func (m *Lab) openEditor(d draft) tea.Cmd {
	edit := m.o.Host.Edit
	return inFrontOf(func() error { return edit(d.file) }, func(m *Lab, err error) tea.Cmd {
		if err != nil {
			m.keepDraft(d)
			m.notice = notice{true, m.say.T(text.EditorFailed, err, d.file)}
			return nil
		}
		return m.edited(d)
	})
}

// edited reads what the editor left and hands it to kubectl.
func (m *Lab) edited(d draft) tea.Cmd {
	same := false
	return m.outside(func(context.Context) error {
		raw, err := os.ReadFile(d.file)
		if err != nil {
			return fmt.Errorf("read what was edited: %w", err)
		}
		now := strings.TrimSpace(body(string(raw)))
		if same = now == "" || now == strings.TrimSpace(d.original) && d.refused == ""; same {
			return os.Remove(d.file)
		}
		return nil
	}, func(m *Lab, err error) tea.Cmd {
		switch {
		case err != nil:
			m.keepDraft(d)
			m.notice = notice{true, m.say.T(text.EditorFailed, err, d.file)}
			return nil
		case same:
			m.notice = notice{text: m.say.T(text.EditSame)}
			return nil
		}
		return m.submit(d)
	})
}

// submit gives the text to kubectl, whose request a paused lab holds like any other. The text is thrown away only when it
// has been accepted.
func (m *Lab) submit(d draft) tea.Cmd {
	m.notice = notice{text: m.say.T(text.EditApplying, d.title)}
	m.keepDraft(d) // what is held may never be released
	args := []string{d.verb, "-f", d.file}
	id, do, output := m.console.Begin("kubectl "+strings.Join(args, " ")), m.o.Kubectl, ""
	m.output = true
	return m.outside(func(ctx context.Context) (err error) {
		if output, err = do(ctx, args); err == nil {
			err = os.Remove(d.file)
		}
		return err
	}, func(m *Lab, err error) tea.Cmd {
		m.console.End(id, output, err)
		if err != nil {
			d.refused = strings.TrimSpace(output)
			m.keepDraft(d)
			m.notice = notice{true, m.say.T(text.EditRefused, d.title, d.file)}
			return nil
		}
		delete(m.machine.drafts, d.title)
		m.notice = notice{text: m.say.T(text.EditDone, d.title)}
		return nil
	})
}

func (m *Lab) keepDraft(d draft) {
	if m.machine.drafts == nil {
		m.machine.drafts = map[string]draft{}
	}
	m.machine.drafts[d.title] = d
}
